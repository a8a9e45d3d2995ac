"""Everybody who follows a session: the display, the counts, the plot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.cli.output.display import Summary

if TYPE_CHECKING:
    from interject.cli.output.display import Display
    from interject.cli.output.plot_data import Trace
    from interject.cli.output.session_counts import Tally
    from interject.model_runtime.protocol import Event


class Audience:
    """`failure` is why the display cannot be written any more; the others go on."""

    def __init__(self, display: Display, tally: Tally, trace: Trace | None) -> None:
        self._display = display
        self._tally = tally
        self._trace = trace
        self.failure: OSError | None = None

    @property
    def left(self) -> bool:
        """Whether nobody reads the display any more: its pipe is closed."""
        return isinstance(self.failure, BrokenPipeError)

    def show(self, event: Event, *, level_dbfs: float) -> None:
        self._tally.count(event)
        if self._trace is not None:
            self._trace.follow(event)
        if self.failure is not None:
            return
        try:
            self._display.show(event, level_dbfs=level_dbfs)
        except OSError as exc:
            self.failure = exc

    def finish(
        self, *, heard_s: float, nonfinite_samples: int, interrupted: bool, notices: tuple[str, ...]
    ) -> None:
        if self.failure is not None:
            return
        tally = self._tally
        summary = Summary(
            heard_s=round(heard_s, 4),
            wall_s=tally.elapsed_s,
            first_decision_s=tally.first_decision_s,
            chunks=tally.chunks,
            responds=tally.responds,
            replies=tally.replies,
            gap_chunks=tally.gap_chunks,
            nonfinite_samples=nonfinite_samples,
            interrupted=interrupted,
            notices=notices,
        )
        try:
            self._display.finish(summary)
        except OSError as exc:
            self.failure = exc

"""Everybody who follows a session: the display, the counts, the plot, its record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.agent.cues.summary import CallSummary
from interject.cli.output.display import Summary

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.agent.floor import Verdict
    from interject.agent.outputs import OutputEvent
    from interject.agent.records.session_recorder import SessionRecorder
    from interject.cli.output.display import Display
    from interject.cli.output.plot_data import PlotData
    from interject.cli.output.session_counts import SessionCounts
    from interject.model_runtime.protocol import Event, ReplyEnded, ReplyStarted


class SessionObservers:
    """`failure` is why the display cannot be written any more; the others go on. `summary` is the
    call's, once it is over, and `record` is there where the session is kept.
    """

    def __init__(self, display: Display, counts: SessionCounts, plot_data: PlotData | None) -> None:
        self._display = display
        self._counts = counts
        self._plot_data = plot_data
        self.failure: OSError | None = None
        self.summary: CallSummary | None = None
        self.record: SessionRecorder | None = None

    @property
    def left(self) -> bool:
        """Whether nobody reads the display any more: its pipe is closed."""
        return isinstance(self.failure, BrokenPipeError)

    def show(self, event: Event, *, level_dbfs: float) -> None:
        self._counts.count(event)
        if self._plot_data is not None:
            self._plot_data.follow(event)
        if self.record is not None:
            self.record.observe(event)
        self._write(lambda: self._display.show(event, level_dbfs=level_dbfs))

    def replied(self, started: ReplyStarted, ended: ReplyEnded, verdict: Verdict) -> None:
        if self.record is not None:
            self.record.replied(started, ended, verdict)

    def tell(self, event: OutputEvent) -> None:
        if self.record is not None:
            self.record.made_known(event)
        if isinstance(event, CallSummary):
            self.summary = event
        else:
            self._write(lambda: self._display.tell(event))

    def finish(
        self, *, heard_s: float, nonfinite_samples: int, interrupted: bool, notices: tuple[str, ...]
    ) -> None:
        counts = self._counts
        summary = Summary(
            heard_s=round(heard_s, 4),
            wall_s=counts.elapsed_s,
            first_decision_s=counts.first_decision_s,
            chunks=counts.chunks,
            responds=counts.responds,
            replies=counts.replies,
            gap_chunks=counts.gap_chunks,
            nonfinite_samples=nonfinite_samples,
            interrupted=interrupted,
            notices=notices,
        )
        self._write(lambda: self._display.finish(summary))

    def _write(self, write: Callable[[], None]) -> None:
        if self.failure is not None:
            return
        try:
            write()
        except OSError as exc:
            self.failure = exc

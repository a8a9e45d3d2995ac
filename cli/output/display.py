"""What every way of showing a session is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from interject.model_runtime.protocol import FRAME_S

if TYPE_CHECKING:
    from interject.agent.outputs import OutputEvent
    from interject.model_runtime.protocol import Event


@dataclass(frozen=True, slots=True)
class Summary:
    """How it went. Times in seconds; `heard_s` counts sound, `wall_s` the clock on the wall."""

    heard_s: float
    wall_s: float
    first_decision_s: float | None
    chunks: int
    responds: int
    replies: int
    gap_chunks: int
    nonfinite_samples: int
    interrupted: bool
    notices: tuple[str, ...]


class Display(Protocol):
    """Shows events as they come."""

    def show(self, event: Event, *, level_dbfs: float) -> None:
        """`level_dbfs` is the loudness of a decision's chunk and means nothing elsewhere."""

    def tell(self, event: OutputEvent) -> None:
        """What is shown to somebody. A reply that is said or posted has been shown as an event."""

    def finish(self, summary: Summary) -> None: ...


def decided_at_s(seq: int) -> float:
    """A decision belongs to the end of its chunk, counted from the first sample heard."""
    return (seq + 1) * FRAME_S

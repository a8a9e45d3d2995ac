"""How a line takes speech: in which messages, how fast, and what can be known of it afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Sent = TypeVar("Sent", covariant=True)


@dataclass(frozen=True, slots=True)
class Pace:
    """`frame_s` is how much speech a message holds, and `lead_s` how far it may be ahead of the
    clock: where a line has no `clear`, that much of it is heard whatever happens.

    `whole_frames`: the line loses what is shorter, so the last frame is filled up with silence.
    `frames_a_mark`: after so many a mark is sent, and comes back when it was played; 0: the line
    has none, and what was sent is taken as played by the clock. `clears`: it can be told to forget
    what it has not played yet.
    """

    rate_hz: int
    frame_s: float = 0.02
    lead_s: float = 0.2
    whole_frames: bool = False
    frames_a_mark: int = 0
    clears: bool = True

    @property
    def frame_samples(self) -> int:
        return round(self.frame_s * self.rate_hz)


class SpeechWire(Protocol[Sent]):
    """Makes a line's own messages. It may number them: each is sent at once, in this order."""

    def speak(self, samples: NDArray[np.int16]) -> Sent: ...

    def mark(self, name: str) -> Sent:
        """Asked for only where the pace has marks."""
        ...

    def clear(self) -> Sent:
        """Forget what was not played yet. Asked for only where the pace says that it can."""
        ...

"""What a platform's messages say, once a codec has read them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Message = str | bytes
"""As it goes over the socket: text or binary."""


@dataclass(frozen=True, slots=True)
class StreamOpened:
    """Which call this socket is of; before it nothing else is taken. `identities` says who speaks
    on which track, as far as that is known already.

    `probe`: the platform only tries whether it would be answered. No agent is opened. `terms` are
    what another socket of the same call cannot change.
    """

    call_id: str
    identities: dict[str, str] = field(default_factory=dict)
    probe: bool = False
    terms: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class TrackAudio:
    """Mono sound that follows what came last of this track."""

    track_id: str
    samples: NDArray[np.int16] = field(repr=False)
    rate_hz: int


@dataclass(frozen=True, slots=True)
class TrackNamed:
    """Who speaks on a track, which may be known long after his first sound."""

    track_id: str
    identity: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TrackLeft:
    """Whoever spoke on it is gone."""

    track_id: str


@dataclass(frozen=True, slots=True)
class Discontinuity:
    """So much sound of a track was thrown away before what comes next. None: of every track."""

    track_id: str | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Paused:
    """Somebody may not be heard: until `Resumed` nothing that comes is heard or kept."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """The pause is over."""


@dataclass(frozen=True, slots=True)
class DigitPressed:
    track_id: str
    digit: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TextWritten:
    """One whole message that somebody has typed."""

    track_id: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class MarkReached:
    """All that was sent before this mark has been played."""

    name: str


@dataclass(frozen=True, slots=True)
class PlaybackBegan:
    """Of speech that came when nothing was being played."""


@dataclass(frozen=True, slots=True)
class HoldBack:
    """The platform takes no sound for so long: too much came at once."""

    seconds: float


@dataclass(frozen=True, slots=True)
class ClosedByPeer:
    """The platform says that the call is over; nothing of it follows."""

    reason: str


@dataclass(frozen=True, slots=True)
class SendNow:
    """An answer to the platform that waits for nobody: it goes out before anything else is read."""

    message: Message = field(repr=False)


SocketEvent = (
    StreamOpened | TrackAudio | TrackNamed | TrackLeft | Discontinuity | Paused | Resumed
    | DigitPressed | TextWritten | MarkReached | PlaybackBegan | HoldBack | ClosedByPeer
    | SendNow
)  # fmt: skip

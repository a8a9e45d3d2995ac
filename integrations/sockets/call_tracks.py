"""Who speaks on which track of a call, and what the agent hears of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interject.integrations.audio.quick_resampler import QuickResampler
from interject.integrations.conversation.consent import Scope
from interject.integrations.sockets.socket_events import (
    DigitPressed,
    Discontinuity,
    Paused,
    Resumed,
    TextWritten,
    TrackAudio,
    TrackLeft,
    TrackNamed,
)
from interject.integrations.web.token_bucket import TokenBucket
from interject.model_runtime.protocol import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from interject.integrations.conversation.call_agent import CallAgent
    from interject.integrations.sockets.socket_events import SocketEvent

MOST_TRACKS, MOST_NAMES = 64, 1_000
"""A meeting may have more people than ever speak."""
CHANGES_A_S, MOST_CHANGES_AT_ONCE = 2, 32
"""Of who is heard, once there are so many tracks."""
LONGEST_NAME = 64
LONGEST_HOLE_S = 60.0
LONGEST_COUNTED_S = 3_600.0
"""Of one hole: a number that was wrong would hide all others."""
WRITTEN_A_S, MOST_WRITTEN_AT_ONCE = 5, 40
"""Keys and texts, of a call and of each person. Beyond a call's, wishes are still taken."""


def _writing() -> TokenBucket:
    return TokenBucket(per_s=WRITTEN_A_S, burst=MOST_WRITTEN_AT_ONCE)


@dataclass(slots=True)
class _Track:
    """`name` is what the platform calls whoever speaks on it, `identity` what we do."""

    name: str
    identity: str
    rate_hz: int = SAMPLE_RATE_HZ
    missing: int = 0
    resampler: QuickResampler = field(default_factory=lambda: QuickResampler(SAMPLE_RATE_HZ))
    writing: TokenBucket = field(default_factory=_writing)


class CallTracks:
    """Samples are the clock: how far apart two of them were is only known where the platform says
    that some are missing. Whoever has no name yet is called by his track.

    Where there are too many people, whoever has been quiet for longest makes room for one who is
    not, and is back as soon as he is heard again. What comes of one for whom there is none is left
    out.

    A pause is a matter of consent: what comes meanwhile is neither heard nor kept, and no key or
    text is read. A wish to stop or to go on is taken all the same.
    """

    def __init__(self, agent: CallAgent, identities: Mapping[str, str]) -> None:
        self._agent = agent
        self._tracks: dict[str, _Track] = {}
        self._names: dict[str, str] = {}
        self._changes = TokenBucket(per_s=CHANGES_A_S, burst=MOST_CHANGES_AT_ONCE)
        self._writing = _writing()
        self._paused = False
        self.missing_s = 0.0
        for track_id, identity in identities.items():
            self._named(track_id, identity)

    def take(self, event: SocketEvent) -> None:
        match event:
            case TrackAudio(track_id, samples, rate_hz):
                self._hear(track_id, samples, rate_hz)
            case TrackNamed(track_id, identity):
                self._named(track_id, identity)
            case TrackLeft(track_id):
                self._left(track_id)
            case Discontinuity(track_id, seconds):
                self._skip(track_id, seconds)
            case Paused():
                self._pause()
            case Resumed():
                self._paused = False
            case DigitPressed(track_id, digit):
                if (track := self._writer(track_id)) is not None:
                    self._agent.digit(track.identity, digit, wishes_only=self._wishes_only())
            case TextWritten(track_id, text):
                if (track := self._writer(track_id)) is not None:
                    self._agent.write(track.identity, text, wishes_only=self._wishes_only())
            case _:
                """Not about what is heard."""

    def _writer(self, track_id: str) -> _Track | None:
        """None: there is no room for him, or he writes too much."""
        track = self._track(track_id)
        return track if track is not None and track.writing.take() else None

    def _wishes_only(self) -> bool:
        return self._paused or not self._writing.take()

    def _hear(self, track_id: str, samples: NDArray[np.int16], rate_hz: int) -> None:
        if self._paused or (track := self._track(track_id)) is None:
            return
        if rate_hz != track.rate_hz:
            self._finish(track)
            track.rate_hz, track.resampler = rate_hz, QuickResampler(rate_hz)
        made = track.resampler.push(samples)
        if len(made):
            self._agent.hear(track.identity, made, track.missing)
            track.missing = 0

    def _skip(self, track_id: str | None, seconds: float) -> None:
        """What the resampler still holds comes from before the hole."""
        self.missing_s += min(seconds, LONGEST_COUNTED_S)
        for one, track in self._tracks.items():
            if track_id not in (None, one):
                continue
            self._finish(track)
            track.missing += round(min(seconds, LONGEST_HOLE_S) * SAMPLE_RATE_HZ)

    def _pause(self) -> None:
        self._paused = True
        for track in self._tracks.values():
            self._finish(track)
            self._agent.rest(track.identity)

    def _finish(self, track: _Track) -> None:
        if len(rest := track.resampler.finish()):
            self._agent.hear(track.identity, rest, track.missing)
            track.missing = 0

    def _named(self, track_id: str, name: str) -> None:
        """Who wanted not to be heard is not heard under his new name either."""
        if track_id in self._names or len(self._names) < MOST_NAMES:
            self._names[track_id] = name
        track = self._tracks.get(track_id)
        if track is None:
            if len(self._tracks) < MOST_TRACKS:
                self._add(track_id, name)
            return
        if name == track.name:
            return
        before, track.name, track.identity = track.identity, name, self._free(name)
        if before in self._agent.consent.withdrawn:
            self._agent.consent.stop(track.identity, Scope.ME)
        self._agent.came(track.identity)
        self._agent.left(before)

    def _left(self, track_id: str) -> None:
        self._names.pop(track_id, None)
        if (track := self._tracks.pop(track_id, None)) is not None:
            self._agent.left(track.identity)

    def _track(self, track_id: str) -> _Track | None:
        """Of somebody who is heard or writes: the last in the order of who makes room."""
        track = self._tracks.pop(track_id, None)
        if track is not None:
            self._tracks[track_id] = track
            return track
        if len(self._tracks) >= MOST_TRACKS and not self._made_room():
            return None
        return self._add(track_id, self._names.get(track_id, track_id))

    def _made_room(self) -> bool:
        """Who wanted not to be heard keeps his track: he might come back under another name."""
        withdrawn = self._agent.consent.withdrawn
        quiet = (one for one, track in self._tracks.items() if track.identity not in withdrawn)
        if (longest := next(quiet, None)) is None or not self._changes.take():
            return False
        self._agent.left(self._tracks.pop(longest).identity)
        return True

    def _add(self, track_id: str, name: str) -> _Track:
        track = self._tracks[track_id] = _Track(name, self._free(name))
        self._agent.came(track.identity)
        return track

    def _free(self, name: str) -> str:
        """Two people may have one name; an identity is one person's."""
        name = name[:LONGEST_NAME] or "somebody"
        taken = {track.identity for track in self._tracks.values()}
        numbered = (f"{name} ({number})" for number in range(2, MOST_TRACKS + 3))
        return name if name not in taken else next(one for one in numbered if one not in taken)

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

MOST_TRACKS = 64
LONGEST_NAME = 64
LONGEST_HOLE_S = 60.0
WRITTEN_A_S, MOST_WRITTEN_AT_ONCE = 5, 40
"""Keys and texts."""


class TooManyTracks(Exception):
    """A call has no more people than this."""


@dataclass(slots=True)
class _Track:
    """`name` is what the platform calls whoever speaks on it, `identity` what we do."""

    name: str
    identity: str
    rate_hz: int = SAMPLE_RATE_HZ
    missing: int = 0
    resampler: QuickResampler = field(default_factory=lambda: QuickResampler(SAMPLE_RATE_HZ))


class CallTracks:
    """Samples are the clock: how far apart two of them were is only known where the platform says
    that some are missing. Whoever has no name yet is called by his track.

    A pause is a matter of consent: what comes meanwhile is neither heard nor kept.
    """

    def __init__(self, agent: CallAgent, identities: Mapping[str, str]) -> None:
        self._agent = agent
        self._tracks: dict[str, _Track] = {}
        self._paused = False
        self._written = TokenBucket(per_s=WRITTEN_A_S, burst=MOST_WRITTEN_AT_ONCE)
        self.missing_s = 0.0
        for track_id, identity in identities.items():
            self._named(track_id, identity)

    def take(self, event: SocketEvent) -> None:
        """:raises TooManyTracks: when it is one too many."""
        match event:
            case TrackAudio(track_id, samples, rate_hz):
                self._hear(self._track(track_id), samples, rate_hz)
            case TrackNamed(track_id, identity):
                self._named(track_id, identity)
            case TrackLeft(track_id):
                if (track := self._tracks.pop(track_id, None)) is not None:
                    self._agent.left(track.identity)
            case Discontinuity(track_id, seconds):
                self._skip(track_id, seconds)
            case Paused():
                self._pause()
            case Resumed():
                self._paused = False
            case DigitPressed(track_id, digit):
                if self._written.take():
                    self._agent.digit(self._track(track_id).identity, digit)
            case TextWritten(track_id, text):
                if self._written.take():
                    self._agent.write(self._track(track_id).identity, text)
            case _:
                """Not about what is heard."""

    def _hear(self, track: _Track, samples: NDArray[np.int16], rate_hz: int) -> None:
        if self._paused:
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
        self.missing_s += seconds
        wanted = self._tracks.values() if track_id is None else [self._track(track_id)]
        for track in wanted:
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
        track = self._tracks.get(track_id)
        if track is None:
            self._add(track_id, name)
            return
        if name == track.name:
            return
        before, track.name, track.identity = track.identity, name, self._free(name)
        if before in self._agent.consent.withdrawn:
            self._agent.consent.stop(track.identity, Scope.ME)
        self._agent.came(track.identity)
        self._agent.left(before)

    def _track(self, track_id: str) -> _Track:
        return self._tracks.get(track_id) or self._add(track_id, track_id)

    def _add(self, track_id: str, name: str) -> _Track:
        if len(self._tracks) >= MOST_TRACKS:
            raise TooManyTracks
        track = self._tracks[track_id] = _Track(name, self._free(name))
        self._agent.came(track.identity)
        return track

    def _free(self, name: str) -> str:
        """Two people may have one name; an identity is one person's."""
        name = name[:LONGEST_NAME] or "somebody"
        taken = {track.identity for track in self._tracks.values()}
        numbered = (f"{name} ({number})" for number in range(2, MOST_TRACKS + 3))
        return name if name not in taken else next(one for one in numbered if one not in taken)

"""A bot's socket: whoever speaks, each by himself or all in one; and what the bot is to say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.integrations.audio.speech_wire import Pace
from interject.integrations.sockets.attendee.messages import (
    LONGEST_NAME,
    MIXED,
    SEPARATE,
    AnyMessage,
    SoundMessage,
    speech,
)
from interject.integrations.sockets.interleaved_audio import (
    AudioEncoding,
    AudioFormat,
    InterleavedAudio,
)
from interject.integrations.sockets.socket_codec import BadMessage, SocketCodec
from interject.integrations.sockets.socket_events import (
    Discontinuity,
    StreamOpened,
    TrackAudio,
    TrackLeft,
    TrackNamed,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from interject.integrations.sockets.attendee.messages import SoundChunk
    from interject.integrations.sockets.attendee.roster import Roster
    from interject.integrations.sockets.socket_events import Message, SocketEvent

EVERYBODY = "meeting"
"""The track, and the name, of all who speak where they are not told apart."""
FRAME_S, LEAD_S = 0.1, 0.2
"""A bot plays whole tenths of a second, and can be told to stop by nothing."""
MOST_TRACKS = 256
"""That something is known of: of whoever has been silent for longest it is forgotten."""
SOUNDS = (MIXED, SEPARATE)


class _Track:
    def __init__(self) -> None:
        self.sound = InterleavedAudio(AudioFormat(AudioEncoding.PCM_S16LE, 0))
        self.sequence: int | None = None
        self.name: str | None = None


class AttendeeCodec(SocketCodec):
    """Where each is heard by himself, what is heard of all together is the same again."""

    def __init__(self, roster: Roster, speech_rate_hz: int) -> None:
        self._roster = roster
        self._rate_hz = speech_rate_hz
        self._bot_id = ""
        self._tracks: dict[str, _Track] = {}
        self._separate = False

    @property
    def pace(self) -> Pace:
        return Pace(self._rate_hz, frame_s=FRAME_S, lead_s=LEAD_S, whole_frames=True, clears=False)

    def read(self, message: Message) -> Sequence[SocketEvent]:
        if isinstance(message, bytes):
            raise BadMessage("it is binary")
        sound = _sound(message)
        if sound is None:
            return []
        events: list[SocketEvent] = []
        if not self._bot_id:
            self._bot_id = sound.bot_id
            events.append(StreamOpened(sound.bot_id, self._roster.of(sound.bot_id)))
        elif sound.bot_id != self._bot_id:
            raise BadMessage("it is of another bot")
        return [*events, *self._heard(sound.data)]

    def speak(self, samples: NDArray[np.int16]) -> Message:
        return speech(AudioEncoding.PCM_S16LE.encoded(samples), self._rate_hz)

    def _heard(self, chunk: SoundChunk) -> list[SocketEvent]:
        if chunk.participant_uuid is None:
            return [] if self._separate else self._of_track(EVERYBODY, chunk)
        events: list[SocketEvent] = []
        if not self._separate:
            self._separate = True
            if self._tracks.pop(EVERYBODY, None) is not None:
                events.append(TrackLeft(EVERYBODY))
        return events + self._of_track(chunk.participant_uuid, chunk)

    def _of_track(self, track_id: str, chunk: SoundChunk) -> list[SocketEvent]:
        track = self._tracks.pop(track_id, None) or _Track()
        if len(self._tracks) >= MOST_TRACKS:
            del self._tracks[next(iter(self._tracks))]
        self._tracks[track_id] = track
        [samples] = track.sound.split(chunk.chunk)
        events = self._named(track, track_id, chunk.participant_name)
        events += self._hole(track, track_id, chunk.sequence, len(samples) / chunk.sample_rate)
        return [*events, TrackAudio(track_id, samples, chunk.sample_rate)]

    @staticmethod
    def _named(track: _Track, track_id: str, name: str | None) -> list[SocketEvent]:
        if not name or name == track.name:
            return []
        track.name = name
        return [TrackNamed(track_id, name[:LONGEST_NAME])]

    @staticmethod
    def _hole(
        track: _Track, track_id: str, sequence: int | None, length_s: float
    ) -> list[SocketEvent]:
        """Chunks that the bot threw away, each about as long as this one. Numbers that go back
        begin anew.
        """
        before, track.sequence = track.sequence, sequence
        if before is None or sequence is None or sequence <= before + 1:
            return []
        return [Discontinuity(track_id, (sequence - before - 1) * length_s)]


def _sound(text: str) -> SoundMessage | None:
    """None: of a kind that is not known here, as a picture.

    :raises BadMessage: when it is no message of Attendee's.
    """
    try:
        sound = SoundMessage.from_text(text)
    except BadMessage:
        if AnyMessage.from_text(text).trigger not in SOUNDS:
            return None
        raise
    return sound if sound.trigger in SOUNDS else None

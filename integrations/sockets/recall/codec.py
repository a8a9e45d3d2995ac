"""Recall.ai on the wire: a meeting that is heard and never spoken to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.integrations.sockets.interleaved_audio import (
    AudioEncoding,
    AudioFormat,
    InterleavedAudio,
)
from interject.integrations.sockets.recall.messages import (
    AttendantEvent,
    AttendantSound,
    ChatEvent,
    MixedSound,
    RecallEvent,
    RecallMessage,
)
from interject.integrations.sockets.socket_codec import BadMessage, SocketCodec
from interject.integrations.sockets.socket_events import (
    StreamOpened,
    TextWritten,
    TrackAudio,
    TrackLeft,
    TrackNamed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from interject.integrations.sockets.recall.messages import Attendant
    from interject.integrations.sockets.socket_events import Message, SocketEvent

MIXED_TRACK, MEETING = "mixed", "meeting"
MOST_ATTENDANTS = 1_000
"""Who is known: whoever came first of them is forgotten."""
FORMAT = AudioFormat(AudioEncoding.PCM_S16LE, 16_000)


def _never(_bot: str, _text: str) -> bool:
    """Nothing is written into this meeting."""
    return False


class RecallCodec(SocketCodec):
    """Whoever speaks is a track of his own, named as the meeting names him. Where
    a bot sends the mixed sound as well, that is left out once somebody is heard by himself:
    everything would be heard twice.
    """

    def __init__(self, is_own: Callable[[str, str], bool] = _never) -> None:
        """`is_own` says of a bot and a text whether the agent has written it itself."""
        self._is_own = is_own
        self._bot = ""
        self._separate = self._mixed_until_now = False
        self._names: dict[str, str] = {}
        self._sounds: dict[str, InterleavedAudio] = {}

    def read(self, message: Message) -> Sequence[SocketEvent]:
        if isinstance(message, bytes):
            raise BadMessage("it is binary")
        told = RecallMessage.from_text(message)
        bot = told.body.bot.id
        if self._bot not in ("", bot):
            raise BadMessage("it is another bot's")
        events = self._told(told)
        if self._bot:
            return events
        self._bot = bot
        return [StreamOpened(bot), *events]

    def _told(self, told: RecallMessage) -> list[SocketEvent]:
        match told.event:
            case RecallEvent.SEPARATE:
                return self._voice(AttendantSound.from_fields(told.body.data))
            case RecallEvent.MIXED:
                return self._mixed(MixedSound.from_fields(told.body.data))
            case RecallEvent.JOIN | RecallEvent.UPDATE:
                return self._met(AttendantEvent.from_fields(told.body.data).participant)
            case RecallEvent.LEAVE:
                return self._left(AttendantEvent.from_fields(told.body.data).participant)
            case RecallEvent.CHAT:
                chat = ChatEvent.from_fields(told.body.data)
                return self._written(told.body.bot.id, chat)
        return []

    def _voice(self, sound: AttendantSound) -> list[SocketEvent]:
        met = self._met(sound.participant)
        left = [TrackLeft(MIXED_TRACK)] if self._mixed_until_now else []
        self._mixed_until_now, self._separate = False, True
        return [*left, *met, self._heard(_track(sound.participant), sound.buffer)]

    def _mixed(self, sound: MixedSound) -> list[SocketEvent]:
        if self._separate:
            return []
        named = [] if self._mixed_until_now else [TrackNamed(MIXED_TRACK, MEETING)]
        self._mixed_until_now = True
        return [*named, self._heard(MIXED_TRACK, sound.buffer)]

    def _heard(self, track: str, buffer: bytes) -> TrackAudio:
        sound = self._sounds.setdefault(track, InterleavedAudio(FORMAT))
        [samples] = sound.split(buffer)
        return TrackAudio(track, samples, FORMAT.rate_hz)

    def _met(self, attendant: Attendant) -> list[SocketEvent]:
        """His name may be known later, or change."""
        track = _track(attendant)
        name = attendant.name or self._names.get(track) or f"participant {track}"
        if self._names.get(track) == name:
            return []
        if track not in self._names and len(self._names) >= MOST_ATTENDANTS:
            self._forget(next(iter(self._names)))
        self._names[track] = name
        return [TrackNamed(track, name)]

    def _written(self, bot: str, chat: ChatEvent) -> list[SocketEvent]:
        if self._is_own(bot, chat.written.text):
            return []
        text = TextWritten(_track(chat.participant), chat.written.text)
        return [*self._met(chat.participant), text]

    def _left(self, attendant: Attendant) -> list[SocketEvent]:
        track = _track(attendant)
        return [TrackLeft(track)] if self._forget(track) else []

    def _forget(self, track: str) -> bool:
        self._sounds.pop(track, None)
        return self._names.pop(track, None) is not None


def _track(attendant: Attendant) -> str:
    return str(attendant.id)

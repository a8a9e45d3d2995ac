"""Genesys AudioHook on the wire: one session, from `open` to `closed`."""

from __future__ import annotations

import logging
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, NoReturn

from interject.integrations.audio.speech_wire import Pace
from interject.integrations.sockets.audiohook.client_messages import (
    EXTERNAL,
    INTERNAL,
    ClientMessage,
    CloseParameters,
    DtmfParameters,
    ErrorParameters,
    LostParameters,
    OpenParameters,
)
from interject.integrations.sockets.audiohook.server_messages import (
    DisconnectReason,
    ServerMessages,
)
from interject.integrations.sockets.interleaved_audio import (
    AudioEncoding,
    AudioFormat,
    InterleavedAudio,
)
from interject.integrations.sockets.socket_codec import BadMessage, SocketCodec
from interject.integrations.sockets.socket_ending import SocketEnding
from interject.integrations.sockets.socket_events import (
    ClosedByPeer,
    DigitPressed,
    Discontinuity,
    HoldBack,
    Paused,
    PlaybackBegan,
    Resumed,
    SendNow,
    StreamOpened,
    TrackAudio,
)
from interject.integrations.web.audio_socket import NOT_UNDERSTOOD, StreamRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from interject.integrations.sockets.audiohook.client_messages import Media
    from interject.integrations.sockets.socket_events import Message, SocketEvent

logger = logging.getLogger(__name__)

RATE_HZ = 8_000
PACE = Pace(RATE_HZ, frame_s=0.2, lead_s=0.4, whole_frames=True)
"""The platform takes five messages a second, and answers 429 to more."""
TOO_MANY = 429
USUAL_HOLD_S, LONGEST_HOLD_S = 1.0, 30.0


class AudioHookRole(StrEnum):
    """Which integration of Genesys dials: one that only listens, or one that lets a bot speak."""

    MONITOR = "monitor"
    CONNECTOR = "connector"


IDENTITIES = {
    AudioHookRole.MONITOR: {EXTERNAL: "customer", INTERNAL: "agent"},
    AudioHookRole.CONNECTOR: {EXTERNAL: "caller", INTERNAL: "agent"},
}


_REASONS = {
    SocketEnding.AGENT_LEFT: DisconnectReason.COMPLETED,
    SocketEnding.SILENT: DisconnectReason.COMPLETED,
    SocketEnding.UNAUTHORIZED: DisconnectReason.UNAUTHORIZED,
}


class SessionPhase(Enum):
    """Of a session. `LEAVING`: we have asked the client to close it."""

    PREPARING = "preparing"
    OPEN = "open"
    PAUSED = "paused"
    LEAVING = "leaving"
    CLOSED = "closed"


class AudioHookCodec(SocketCodec):
    """Every session is of 8 kHz mu-law, of one channel or two.

    A message that is numbered wrongly, or is another session's, breaks the session, as the protocol
    has it: what was lost before it is not known. One of an unknown kind is passed over.
    """

    name = "audiohook"

    def __init__(
        self, role: AudioHookRole, *, session_id: str = "", organization_id: str = ""
    ) -> None:
        """Both ids are the upgrade request's, which is signed; "" where it was not checked."""
        self._role = role
        self._organization = organization_id
        self._ours = ServerMessages(session_id)
        self._phase = SessionPhase.PREPARING
        self._channels: tuple[str, ...] = ()
        self._fault: tuple[DisconnectReason, str] | None = None
        self._unread = 0

    @property
    def pace(self) -> Pace | None:
        return PACE if self._role is AudioHookRole.CONNECTOR else None

    def read(self, message: Message) -> Sequence[SocketEvent]:
        if isinstance(message, bytes):
            return self._sound(message)
        told = self._numbered(message)
        match told.type:
            case "open":
                return self._open(told)
            case "close":
                return self._close(CloseParameters.from_fields(told.parameters).reason)
            case "ping":
                return [SendNow(self._ours.pong())]
            case "update":
                return [SendNow(self._ours.updated())]
            case "paused":
                return self._pause()
            case "resumed":
                return self._resume()
            case "discarded":
                lost = LostParameters.from_fields(told.parameters)
                return [Discontinuity(None, lost.discarded)]
            case "dtmf":
                return [DigitPressed(EXTERNAL, DtmfParameters.from_fields(told.parameters).digit)]
            case "playback_started":
                return [PlaybackBegan()]
            case "error":
                return self._error(ErrorParameters.from_fields(told.parameters))
        return []

    # What is said to the platform

    def speak(self, samples: NDArray[np.int16]) -> bytes:
        return AudioEncoding.MULAW.encoded(samples)

    def clear(self) -> str:
        return self._ours.barge_in()

    def listening(self, *, wanted: bool) -> str | None:
        """A pause of ours costs the organisation nothing, and nothing is sent meanwhile."""
        if self._phase not in (SessionPhase.OPEN, SessionPhase.PAUSED):
            return None
        return self._ours.resume() if wanted else self._ours.pause()

    def closing(self, ending: SocketEnding) -> str | None:
        """The client answers with `close`, and closes the socket after our `closed`."""
        if self._phase in (SessionPhase.LEAVING, SessionPhase.CLOSED):
            return None
        self._phase = SessionPhase.LEAVING
        why = _REASONS.get(ending, DisconnectReason.ERROR)
        info = "" if why is DisconnectReason.COMPLETED else ending.closing[1]
        return self._ours.disconnect(*(self._fault or (why, info)))

    # What the platform says

    def _numbered(self, message: str) -> ClientMessage:
        """What cannot be read may have had a number, too."""
        try:
            told = ClientMessage.from_text(message)
        except BadMessage:
            self._unread += 1
            raise
        self._follow(told)
        self._unread = 0
        return told

    def _follow(self, told: ClientMessage) -> None:
        self._ours.session_id = self._ours.session_id or told.id
        if told.id != self._ours.session_id:
            self._break(DisconnectReason.ERROR, "the id is another session's")
        missed = told.seq - self._ours.heard_seq - 1
        if not (0 <= missed <= self._unread or self._phase is SessionPhase.LEAVING):
            self._break(DisconnectReason.ERROR, "seq does not follow the last message's")
        if told.serverseq > self._ours.seq:
            self._break(DisconnectReason.ERROR, "serverseq is of a message that was never sent")
        self._ours.heard_seq = told.seq

    def _break(self, reason: DisconnectReason, info: str) -> NoReturn:
        """:raises StreamRefused: always."""
        self._fault = reason, info
        raise StreamRefused(NOT_UNDERSTOOD, info)

    def _open(self, told: ClientMessage) -> list[SocketEvent]:
        if self._phase is SessionPhase.LEAVING:
            return []
        if self._phase is not SessionPhase.PREPARING:
            raise BadMessage("the session is open already")
        try:
            opened = OpenParameters.from_fields(told.parameters)
        except BadMessage as error:
            self._break(DisconnectReason.ERROR, f"open cannot be read: {error}")
        if self._organization not in ("", opened.organization_id):
            self._break(DisconnectReason.UNAUTHORIZED, "the organisation is not the header's")
        media = _chosen(opened.media)
        if not media and not opened.is_probe:
            self._break(DisconnectReason.ERROR, "no media of PCMU and 8000 Hz are offered")
        self._phase = SessionPhase.OPEN
        self._channels = media[0].channels if media else ()
        answer = self._ours.opened(media, languages=opened.supported_languages)
        return [SendNow(answer), self._opened(opened)]

    def _opened(self, opened: OpenParameters) -> StreamOpened:
        """A bot and a copilot may be in one conversation. A copilot's agent is there to be shown
        cards, also where only the customer is heard.
        """
        is_bot = self._role is AudioHookRole.CONNECTOR
        names = IDENTITIES[self._role]
        return StreamOpened(
            f"{opened.conversation_id}{'-bot' if is_bot else ''}",
            {channel: names[channel] for channel in self._channels} if is_bot else names,
            probe=opened.is_probe,
        )

    def _sound(self, sound: bytes) -> list[SocketEvent]:
        """What comes in a pause, or is on its way at the end, is nobody's fault."""
        if self._phase is SessionPhase.PREPARING:
            raise BadMessage("sound before the session is open")
        if self._phase is not SessionPhase.OPEN:
            return []
        if not self._channels or len(sound) % len(self._channels):
            raise BadMessage("the sound is not of whole samples of each channel")
        samples = InterleavedAudio(_format(self._channels)).split(sound)
        return [
            TrackAudio(channel, heard, RATE_HZ)
            for channel, heard in zip(self._channels, samples, strict=True)
        ]

    def _pause(self) -> list[SocketEvent]:
        if self._phase is not SessionPhase.OPEN:
            return []
        self._phase = SessionPhase.PAUSED
        return [Paused()]

    def _resume(self) -> list[SocketEvent]:
        """What was not sent meanwhile is silence already: the clock went on."""
        if self._phase is not SessionPhase.PAUSED:
            return []
        self._phase = SessionPhase.OPEN
        return [Resumed()]

    def _close(self, reason: str) -> list[SocketEvent]:
        if self._phase is SessionPhase.CLOSED:
            raise BadMessage("the session is closed already")
        self._phase = SessionPhase.CLOSED
        return [SendNow(self._ours.closed()), ClosedByPeer(reason)]

    def _error(self, error: ErrorParameters) -> list[SocketEvent]:
        logger.warning("AudioHook reports an error", extra={"error_code": error.code})
        if error.code != TOO_MANY:
            return []
        return [HoldBack(min(error.retry_after or USUAL_HOLD_S, LONGEST_HOLD_S))]


def _chosen(offers: tuple[Media, ...]) -> tuple[Media, ...]:
    """Both channels where they are offered; the platform's own order counts otherwise."""
    heard = [offer for offer in offers if offer.is_heard]
    return tuple(sorted(heard, key=lambda offer: -len(offer.channels))[:1])


def _format(channels: tuple[str, ...]) -> AudioFormat:
    return AudioFormat(AudioEncoding.MULAW, RATE_HZ, len(channels))

"""Our own protocol, message by message."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from interject.integrations.audio.speech_wire import Pace
from interject.integrations.sockets.interleaved_audio import InterleavedAudio
from interject.integrations.sockets.plain.messages import (
    Bye,
    Hello,
    MarkPlayed,
    NameTrack,
    PauseHearing,
    PressDigit,
    ResumeHearing,
    SkipSound,
    TypedText,
    read_message,
    told,
)
from interject.integrations.sockets.socket_codec import BadMessage, SocketCodec
from interject.integrations.sockets.socket_events import (
    ClosedByPeer,
    DigitPressed,
    Discontinuity,
    MarkReached,
    Paused,
    Resumed,
    StreamOpened,
    TextWritten,
    TrackAudio,
    TrackNamed,
)
from interject.integrations.web.audio_socket import NOT_UNDERSTOOD, StreamRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from interject.integrations.sockets.plain.messages import PlainMessage
    from interject.integrations.sockets.socket_ending import SocketEnding
    from interject.integrations.sockets.socket_events import Message, SocketEvent

FRAME_S = 0.02
FRAMES_A_MARK = 5
LONGEST_REASON = 123
"""Of the frame that closes a web socket."""


def _new_id() -> str:
    return uuid.uuid4().hex


class PlainCodec(SocketCodec):
    """`hello` and `call_id` are known once it has come."""

    def __init__(self, new_id: Callable[[], str] = _new_id) -> None:
        self._new_id = new_id
        self._audio: InterleavedAudio | None = None
        self.hello = Hello(type="hello")
        self.call_id = ""

    @property
    def pace(self) -> Pace | None:
        if not self.hello.speaks:
            return None
        marks = FRAMES_A_MARK if self.hello.marks else 0
        return Pace(self.hello.rate_hz, frame_s=FRAME_S, frames_a_mark=marks)

    def read(self, message: Message) -> Sequence[SocketEvent]:
        if self._audio is None:
            return [self._greeted(message)]
        if isinstance(message, bytes):
            return [
                TrackAudio(track, samples, self.hello.rate_hz)
                for track, samples in zip(
                    self.hello.tracks, self._audio.split(message), strict=True
                )
                if len(samples)
            ]
        return [self._event(read_message(message))]

    def ready(self) -> Message:
        hello = self.hello
        return told("ready", call=self.call_id, rate_hz=hello.rate_hz, encoding=hello.encoding)

    def closing(self, ending: SocketEnding) -> Message:
        return told("bye", reason=ending.value)

    def left_out(self, reason: str) -> Message:
        return told("error", detail=reason)

    def speak(self, samples: NDArray[np.int16]) -> Message:
        return self.hello.encoding.encoded(samples)

    def mark(self, name: str) -> Message:
        return told("mark", name=name)

    def clear(self) -> Message:
        return told("clear")

    def _greeted(self, message: Message) -> StreamOpened:
        """Whoever dials by himself is told at once what is wrong with it."""
        if isinstance(message, bytes):
            raise StreamRefused(NOT_UNDERSTOOD, "sound comes before hello")
        try:
            hello = read_message(message)
        except BadMessage as error:
            raise StreamRefused(NOT_UNDERSTOOD, str(error)[:LONGEST_REASON]) from None
        if not isinstance(hello, Hello):
            raise StreamRefused(NOT_UNDERSTOOD, "the first message is no hello")
        self.hello, self.call_id = hello, hello.call or self._new_id()
        self._audio = InterleavedAudio(hello.audio_format)
        terms = (hello.speaks, hello.reads, hello.decisions)
        return StreamOpened(self.call_id, {track: track for track in hello.tracks}, terms=terms)

    def _event(self, message: PlainMessage) -> SocketEvent:
        match message:
            case NameTrack(track=track, name=name):
                return TrackNamed(self._known(message, track), name)
            case TypedText(track=track, text=text):
                return TextWritten(self._known(message, track), text)
            case PressDigit(track=track, digit=digit):
                return DigitPressed(self._known(message, track), digit)
            case SkipSound(seconds=seconds):
                return Discontinuity(None, seconds)
            case PauseHearing():
                return Paused()
            case ResumeHearing():
                return Resumed()
            case MarkPlayed(name=name):
                return MarkReached(name)
            case Bye():
                return ClosedByPeer("bye")
            case Hello():
                raise BadMessage("hello: there was one already")

    def _known(self, message: PlainMessage, track: str) -> str:
        if track not in self.hello.tracks:
            raise BadMessage(f"track of {message.type}: it is none of hello's tracks")
        return track

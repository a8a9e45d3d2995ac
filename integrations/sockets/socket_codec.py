"""What differs from platform to platform on the wire: messages to events, speech to messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from interject.integrations.audio.speech_wire import SpeechWire
from interject.integrations.sockets.socket_events import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from interject.integrations.audio.speech_wire import Pace
    from interject.integrations.sockets.socket_ending import SocketEnding
    from interject.integrations.sockets.socket_events import SocketEvent


class BadMessage(Exception):
    """Its text says what is wrong with a message, and holds nothing of it but what a field is
    called. The door counts it, goes on, and closes the socket after too many.
    """


class SocketCodec(SpeechWire[Message], Protocol):
    """One a socket. It holds no socket, no clock and no task, and may remember what came before:
    numbers that have to follow one another, half a sample. What it makes is sent in that order.

    A class that derives from this one says only what its platform has.
    """

    @property
    def pace(self) -> Pace | None:
        """Asked once the stream is open. None: the platform takes no sound, and the agent has no
        voice there.
        """
        return None

    def read(self, message: Message) -> Sequence[SocketEvent]:
        """:raises BadMessage: when it cannot be read; then it is left out.

        :raises StreamRefused: when nothing of this socket can be used.
        """
        ...

    def ready(self) -> Message | None:
        """What the platform is told once an agent has the call."""
        return None

    def closing(self, ending: SocketEnding) -> Message | None:
        """What the platform is told before the socket is closed from here."""
        return None

    def left_out(self, reason: str) -> Message | None:
        """What the platform is told of a message that was bad."""
        return None

    def speak(self, samples: NDArray[np.int16]) -> Message:
        raise AssertionError("this platform takes no sound")

    def mark(self, name: str) -> Message:
        raise AssertionError("this platform has no marks")

    def clear(self) -> Message:
        raise AssertionError("this platform cannot forget sound")

    def listening(self, *, wanted: bool) -> Message | None:
        """What the platform is told when people on the call stop the listening, or let it go on."""
        return None

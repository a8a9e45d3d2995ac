"""The order in which replies are said: one at a time, the others in line, urgent ones first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from interject.agent.floor import FloorState, Verdict
from interject.agent.speech_queue import SpeechQueue

if TYPE_CHECKING:
    from interject.agent.floor import Floor
    from interject.model_runtime.protocol import Emotion


class OrderedReply(Protocol):
    """What decides about a reply's place."""

    @property
    def urgent(self) -> bool: ...

    @property
    def emotion(self) -> Emotion: ...

    @property
    def verdict(self) -> Verdict: ...


T = TypeVar("T", bound=OrderedReply)
Said = TypeVar("Said", bound=OrderedReply, contravariant=True)


class SpeechOutput(Protocol[Said]):
    """The platform's voice, which says what it is given in its own time."""

    def ready(self) -> bool:
        """Whether nothing else is being said; if not, `ReplyOrder.advance` is called after it."""

    def play(self, reply: Said) -> None:
        """Begin to say it. `ReplyOrder.closed` follows when it has been said or cut."""

    def cut(self) -> bool:
        """Stop what is being said, if that is possible."""

    def dropped(self, reply: Said) -> None:
        """It left the line without being said."""


class ReplyOrder(Generic[T]):
    """For a platform whose own queue is first in, first out: an alarm would wait there behind small
    talk.
    """

    def __init__(self, floor: Floor, output: SpeechOutput[T]) -> None:
        self._floor = floor
        self._output = output
        self._waiting: SpeechQueue[T] = SpeechQueue()
        self.current: T | None = None

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def offer(self, reply: T) -> None:
        """Say it now, or put it in line; the oldest that is not urgent leaves a full line."""
        victim = self._waiting.make_room()
        if victim is not None:
            self._output.dropped(victim)
        self._waiting.put(reply)
        if self.current is not None and self._floor.state is not FloorState.YIELDED:
            self._floor.hold()
        if reply.verdict is Verdict.INTERRUPT:
            self.cut()
        self.advance()

    def admit(self, reply: T) -> None:
        """Take one that the platform says at once, since it was asked for."""
        if self.current is None:
            self._start(reply)

    def advance(self) -> None:
        """Say the next one, if nothing is being said."""
        if self.current is not None or not self._waiting:
            return
        if not self._waiting.first.urgent and not self._output.ready():
            return
        reply = self._waiting.take()
        self._start(reply)
        self._output.play(reply)

    def cut(self) -> None:
        if self._output.cut() and self.current is not None:
            self.give_way()

    def give_way(self) -> None:
        if self._floor.state in (FloorState.SPEAKING, FloorState.HOLDING):
            self._floor.give_way()

    def closed(self, reply: T) -> None:
        """It has been said, or cut."""
        if reply is not self.current:
            return
        self.current = None
        if self._floor.state is FloorState.YIELDED:
            self._floor.resume()
        else:
            self._floor.finish()
        self.advance()

    def drop_waiting(self) -> None:
        while self._waiting:
            self._output.dropped(self._waiting.take())

    def _start(self, reply: T) -> None:
        self.current = reply
        self._floor.start(reply.emotion, waiting=len(self._waiting))

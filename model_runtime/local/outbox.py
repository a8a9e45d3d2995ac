"""What a session has said and may have to say to another server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import Cause, Frame
from interject.model_runtime.remote import wire

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_FRAMES = 150
"""A minute, 1.9 MB a session: as much as an engine queues. What is older becomes a gap."""
MAX_CONTROLS = 1_024
_CAUSES = {
    wire.Say: Cause.SAY,
    wire.TextTurn: Cause.TEXT_TURN,
    wire.AnswerNow: Cause.ANSWER_NOW,
}


@dataclass(frozen=True, slots=True)
class Letter:
    number: int
    item: wire.Input


class Outbox:
    """Letters in order. A frame is kept until it is decided, a request until its reply begins.

    What speaks of a memory that is gone (`Cancel`, `Heard`) is kept by nobody, nor are settings:
    they are in the options that a session is opened with again.
    """

    def __init__(self) -> None:
        self._count = 0
        self._sent = 0
        self._letters: list[Letter] = []

    def put(self, item: wire.Input) -> int:
        """Queue a letter; returns its number."""
        self._count += 1
        self._letters.append(Letter(self._count, item))
        if isinstance(item, Frame):
            self._shed()
        return self._count

    def take(self) -> list[Letter]:
        """What is to be sent now; it counts as sent."""
        letters = [letter for letter in self._letters if letter.number > self._sent]
        self._sent = self._count
        forgotten = (wire.Cancel, wire.Heard, wire.Update)
        self._keep(lambda letter: not isinstance(letter.item, forgotten))
        return letters

    @property
    def waiting(self) -> bool:
        """Whether anything is unsent."""
        return bool(self._letters) and self._letters[-1].number > self._sent

    @property
    def full(self) -> bool:
        """Whether more controls wait than an outage explains."""
        controls = sum(not isinstance(letter.item, Frame) for letter in self._letters)
        return controls > MAX_CONTROLS

    def decided(self, seq: int) -> None:
        """Frames up to this one are settled."""
        self._keep(lambda letter: not (isinstance(letter.item, Frame) and letter.item.seq <= seq))

    def begun(self, cause: Cause) -> None:
        """The oldest request of this kind has its reply."""
        for letter in self._letters:
            if _CAUSES.get(type(letter.item)) is cause:
                self.settle(letter.number)
                return

    def answered(self, number: int, *, refused: bool) -> None:
        """A request was understood, or refused; with text that wants no reply that is all."""
        self._keep(lambda letter: letter.number != number or not (refused or _is_note(letter)))

    def settle(self, number: int) -> None:
        """This letter need not be sent again."""
        self._keep(lambda letter: letter.number != number)

    def send_again(self) -> None:
        """Nobody has heard what was sent and not settled."""
        self._sent = 0
        self._keep(lambda letter: not isinstance(letter.item, (wire.Cancel, wire.Heard)))

    def clear(self) -> None:
        self._letters.clear()

    def _keep(self, wanted: Callable[[Letter], bool]) -> None:
        self._letters = [letter for letter in self._letters if wanted(letter)]

    def _shed(self) -> None:
        frames = [letter.number for letter in self._letters if isinstance(letter.item, Frame)]
        if len(frames) > MAX_FRAMES:
            self.settle(frames[0])


def _is_note(letter: Letter) -> bool:
    return isinstance(letter.item, wire.TextTurn) and not letter.item.answer

"""What a session has said and may have to say to another server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.model_runtime.protocol import Cause, Frame
from interject.model_runtime.remote import wire
from interject.model_runtime.remote.outbox_entry import OutboxEntry

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


class Outbox:
    """Entries in order. A frame is kept until it is decided, a request until its reply begins.

    What speaks of a memory that is gone (`Cancel`, `Heard`) is kept by nobody, nor are settings:
    they are in the options that a session is opened with again.
    """

    def __init__(self) -> None:
        self._count = 0
        self._sent = 0
        self._entries: list[OutboxEntry] = []

    def put(self, item: wire.Input) -> int:
        """Queue an entry; returns its number."""
        self._count += 1
        self._entries.append(OutboxEntry(self._count, item))
        if isinstance(item, Frame):
            self._shed()
        return self._count

    def take(self) -> list[OutboxEntry]:
        """What is to be sent now; it counts as sent."""
        entries = [entry for entry in self._entries if entry.number > self._sent]
        self._sent = self._count
        forgotten = (wire.Cancel, wire.Heard, wire.Update)
        self._keep(lambda entry: not isinstance(entry.item, forgotten))
        return entries

    @property
    def waiting(self) -> bool:
        """Whether anything is unsent."""
        return bool(self._entries) and self._entries[-1].number > self._sent

    @property
    def full(self) -> bool:
        """Whether more controls wait than an outage explains."""
        controls = sum(not isinstance(entry.item, Frame) for entry in self._entries)
        return controls > MAX_CONTROLS

    def decided(self, seq: int) -> None:
        """Frames up to this one are settled."""
        self._keep(lambda entry: not (isinstance(entry.item, Frame) and entry.item.seq <= seq))

    def begun(self, cause: Cause) -> None:
        """The oldest request of this kind has its reply."""
        for entry in self._entries:
            if _CAUSES.get(type(entry.item)) is cause:
                self.settle(entry.number)
                return

    def answered(self, number: int, *, refused: bool) -> None:
        """A request was understood, or refused; with text that wants no reply that is all."""
        self._keep(lambda entry: entry.number != number or not (refused or _is_note(entry)))

    def settle(self, number: int) -> None:
        """This entry need not be sent again."""
        self._keep(lambda entry: entry.number != number)

    def send_again(self) -> None:
        """Nobody has heard what was sent and not settled."""
        self._sent = 0
        self._keep(lambda entry: not isinstance(entry.item, (wire.Cancel, wire.Heard)))

    def clear(self) -> None:
        self._entries.clear()

    def _keep(self, wanted: Callable[[OutboxEntry], bool]) -> None:
        self._entries = [entry for entry in self._entries if wanted(entry)]

    def _shed(self) -> None:
        frames = [entry.number for entry in self._entries if isinstance(entry.item, Frame)]
        if len(frames) > MAX_FRAMES:
            self.settle(frames[0])


def _is_note(entry: OutboxEntry) -> bool:
    return isinstance(entry.item, wire.TextTurn) and not entry.item.answer

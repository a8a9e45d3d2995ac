"""One count of replies over all the sessions that a runtime that comes and goes has opened."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import EndReason, ReplyDelta, ReplyEnded, ReplyStarted

if TYPE_CHECKING:
    from interject.model_runtime.protocol import Event


class ReplyNumbers:
    """Each session counts its replies from 0; whoever follows them all must not see that."""

    def __init__(self) -> None:
        self._base = self._next = 0
        self._open: dict[int, ReplyEnded] = {}

    def outward(self, event: Event) -> Event:
        """The event with the number that holds over all sessions."""
        if not isinstance(event, ReplyStarted | ReplyDelta | ReplyEnded):
            return event
        number = self._base + event.reply_id
        self._next = max(self._next, number + 1)
        self._follow(event, number)
        return replace(event, reply_id=number)

    def inward(self, number: int) -> int | None:
        """What the session that is open calls this reply; None: it was an earlier one's."""
        return number - self._base if number >= self._base else None

    def break_off(self) -> list[ReplyEnded]:
        """The session is lost: what its replies in progress end with."""
        cut = list(self._open.values())
        self._open.clear()
        self._base = self._next
        return cut

    def _follow(self, event: ReplyStarted | ReplyDelta | ReplyEnded, number: int) -> None:
        match event:
            case ReplyStarted():
                self._open[number] = ReplyEnded(
                    event.session_id, number, EndReason.CANCELLED, "", token_count=0
                )
            case ReplyDelta() if number in self._open:
                so_far = self._open[number]
                self._open[number] = replace(
                    so_far,
                    text=so_far.text + event.text,
                    token_count=so_far.token_count + len(event.token_ids),
                )
            case _:
                self._open.pop(number, None)

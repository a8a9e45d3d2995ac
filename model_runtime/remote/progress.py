"""How far a session has come, whatever server it has at the moment."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from interject.model_runtime.protocol import (
    Decision,
    EndReason,
    Event,
    Gap,
    GapReason,
    ReplyDelta,
    ReplyEnded,
    ReplyStarted,
)


class Progress:
    """Frames before `next_seq` are settled: decided, or in a gap; replies before `next_reply` have
    begun. `unfinished` is how the one in progress would end if the server ended now.
    """

    def __init__(self) -> None:
        self.next_seq = 0
        self.unfinished: ReplyEnded | None = None
        self.next_reply = 0
        self._holes: deque[Gap] = deque()

    def has_reported(self, event: Event) -> bool:
        """Whether it is a hole that another server has noticed already."""
        return isinstance(event, Gap) and event in self._holes

    def note(self, event: Event) -> None:
        """Go on with an event as the client counts."""
        match event:
            case Decision():
                self._settle(event.seq)
            case Gap(reason=GapReason.MISSING):
                self._holes.append(event)
                self._settle(self.next_seq - 1)
            case Gap():
                self._settle(event.first_seq + event.count - 1)
            case ReplyStarted(session_id=name, reply_id=number):
                self.next_reply = number + 1
                self.unfinished = ReplyEnded(name, number, EndReason.CANCELLED, "", 0)
            case ReplyDelta():
                self._lengthen(event)
            case ReplyEnded() if self.unfinished and self.unfinished.reply_id == event.reply_id:
                self.unfinished = None

    def _settle(self, seq: int) -> None:
        """A hole is announced as soon as it is noticed: frames before it may still be undecided."""
        self.next_seq = max(self.next_seq, seq + 1)
        while self._holes and self._holes[0].first_seq <= self.next_seq:
            hole = self._holes.popleft()
            self.next_seq = max(self.next_seq, hole.first_seq + hole.count)

    def _lengthen(self, delta: ReplyDelta) -> None:
        if self.unfinished is not None:
            text = self.unfinished.text + delta.text
            count = self.unfinished.token_count + len(delta.token_ids)
            self.unfinished = replace(self.unfinished, text=text, token_count=count)

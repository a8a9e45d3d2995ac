"""How far a session has come, and how its numbers relate to those of the server of the moment.

A session's frames and replies are counted once; each server counts its own from 0. What it calls 0
is `_first_seq` and `_first_reply` here.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from interject.model_runtime.protocol import (
    Decision,
    EndReason,
    Event,
    Frame,
    Gap,
    GapReason,
    ReplyDelta,
    ReplyEnded,
    ReplyStarted,
)
from interject.model_runtime.remote import wire


class Progress:
    """Frames before `next_seq` are settled: decided, or in a gap.

    `unfinished` is how the reply in progress would end if the server ended now.
    """

    def __init__(self) -> None:
        self.next_seq = 0
        self.unfinished: ReplyEnded | None = None
        self._next_reply = 0
        self._first_seq = 0
        self._first_reply = 0
        self._holes: deque[Gap] = deque()

    def for_server(self, item: wire.Input) -> wire.Input | None:
        """An input as this server counts; None when it concerns a reply that it never gave."""
        match item:
            case Frame() if self._first_seq:
                return replace(item, seq=item.seq - self._first_seq)
            case wire.Cancel() | wire.Heard():
                known = item.reply_id >= self._first_reply
                return replace(item, reply_id=item.reply_id - self._first_reply) if known else None
        return item

    def for_client(self, event: Event) -> Event | None:
        """An event as the client counts; None when another server has reported it already."""
        match event:
            case Decision():
                first = self._first_seq
                return replace(event, seq=event.seq + first) if first else event
            case Gap():
                gap = replace(event, first_seq=event.first_seq + self._first_seq)
                return None if gap in self._holes else gap
            case ReplyStarted():
                seq, reply_id = event.seq + self._first_seq, event.reply_id + self._first_reply
                return replace(event, seq=seq, reply_id=reply_id)
            case ReplyDelta() | ReplyEnded():
                return replace(event, reply_id=event.reply_id + self._first_reply)
        return event

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
                self._next_reply = number + 1
                self.unfinished = ReplyEnded(name, number, EndReason.CANCELLED, "", 0)
            case ReplyDelta():
                self._lengthen(event)
            case ReplyEnded() if self.unfinished and self.unfinished.reply_id == event.reply_id:
                self.unfinished = None

    def begin_again(self) -> None:
        """The next server counts from 0."""
        self._first_seq, self._first_reply = self.next_seq, self._next_reply

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

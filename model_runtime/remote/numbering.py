"""How a client's numbers relate to those of the server of the moment."""

from __future__ import annotations

from dataclasses import replace

from interject.model_runtime.protocol import (
    Decision,
    Event,
    Frame,
    Gap,
    ReplyDelta,
    ReplyEnded,
    ReplyStarted,
)
from interject.model_runtime.remote import wire


class Numbering:
    """A session's frames and replies are counted once; each server counts its own from 0.

    `first_seq` and `first_reply` are what the client calls the server's 0. Where the client came
    back to a session and counts from 0 again, `first_seq` is negative: minus as many frames as its
    predecessors sent.
    """

    def __init__(self, first_seq: int = 0) -> None:
        self.first_seq = first_seq
        self._first_reply = 0

    def begin_again(self, *, next_seq: int, next_reply: int) -> None:
        """The next server counts from 0."""
        self.first_seq, self._first_reply = next_seq, next_reply

    def concerns_server(self, item: wire.Input) -> bool:
        """Whether an input is not about a reply that this server never gave."""
        if isinstance(item, wire.Cancel | wire.Heard):
            return item.reply_id >= self._first_reply
        return True

    def for_server(self, item: wire.Input) -> wire.Input:
        """An input that concerns the server, as it counts."""
        match item:
            case Frame() if self.first_seq:
                return replace(item, seq=item.seq - self.first_seq)
            case wire.Cancel() | wire.Heard() if self._first_reply:
                return replace(item, reply_id=item.reply_id - self._first_reply)
        return item

    def for_client(self, event: Event) -> Event | None:
        """An event as the client counts; None when it is about a predecessor's frames alone."""
        if not (self.first_seq or self._first_reply):
            return event
        match event:
            case Decision():
                seq = event.seq + self.first_seq
                return replace(event, seq=seq) if seq >= 0 else None
            case Gap():
                return self._gap(event)
            case ReplyStarted():
                seq = max(-1, event.seq + self.first_seq)
                return replace(event, seq=seq, reply_id=event.reply_id + self._first_reply)
            case ReplyDelta() | ReplyEnded() if self._first_reply:
                return replace(event, reply_id=event.reply_id + self._first_reply)
        return event

    def _gap(self, gap: Gap) -> Gap | None:
        """What of it is the client's own."""
        first = gap.first_seq + self.first_seq
        count = gap.count + min(0, first)
        return replace(gap, first_seq=max(0, first), count=count) if count > 0 else None

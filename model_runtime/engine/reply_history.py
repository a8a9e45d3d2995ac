"""The replies of a session that are over, and how much of each was heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from interject.model_runtime.engine.reply import Reply

REMEMBERED_REPLIES = 64


class ReplyHistory:
    """Bounded: the oldest is forgotten, and can no longer be cut."""

    def __init__(self) -> None:
        self.heard_chars: dict[int, int] = {}
        self._replies: dict[int, Reply] = {}

    def __iter__(self) -> Iterator[Reply]:
        return iter(self._replies.values())

    def get(self, reply_id: int) -> Reply | None:
        """That reply, if it is remembered."""
        return self._replies.get(reply_id)

    def add(self, reply: Reply) -> None:
        """A reply is over."""
        self._replies[reply.reply_id] = reply
        if len(self._replies) > REMEMBERED_REPLIES:
            oldest = min(self._replies)
            del self._replies[oldest]
            self.heard_chars.pop(oldest, None)

    def heard(self, reply_id: int, chars: int) -> None:
        """So much of a reply was played out; less than was known says nothing."""
        self.heard_chars[reply_id] = max(chars, self.heard_chars.get(reply_id, 0))

    def resume(self, replies: Iterator[Reply], heard_chars: Mapping[int, int]) -> None:
        """What another engine remembered."""
        self._replies = {reply.reply_id: reply for reply in replies}
        self.heard_chars = dict(heard_chars)

"""How far a session has come: what is decided, and whether a reply is being written."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import (
    FRAME_S,
    Closed,
    Decision,
    EndReason,
    Gap,
    ReplyDelta,
    ReplyEnded,
    ReplyStarted,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.model_runtime.protocol import Event


class DecisionProgress:
    """Follows the events. `clock` reads the stream's own time, in seconds."""

    def __init__(self) -> None:
        self.decided_seq = -1
        self._changed = asyncio.Event()
        self._stop = asyncio.Event()
        self._reply: ReplyStarted | None = None
        self._reply_due = False
        self._text = ""
        self._tokens = 0

    @property
    def _replying(self) -> bool:
        return self._reply_due or self._reply is not None

    def clock(self) -> float:
        return (self.decided_seq + 1) * FRAME_S

    def follow(self, event: Event) -> None:
        match event:
            case Decision():
                self.decided_seq = max(self.decided_seq, event.seq)
                self._reply_due = event.respond
            case Gap():
                self.decided_seq = max(self.decided_seq, event.first_seq + event.count - 1)
            case ReplyStarted():
                self._reply, self._text, self._tokens = event, "", 0
                self._reply_due = False
            case ReplyDelta():
                self._text += event.text
                self._tokens += len(event.token_ids)
            case ReplyEnded():
                self._reply = None
            case Closed():
                self._stop.set()
        self.touch()

    def cut_reply(self) -> ReplyEnded | None:
        """The end of a reply that a closing session left without one."""
        reply, self._reply = self._reply, None
        if reply is None:
            return None
        cut = EndReason.CANCELLED
        return ReplyEnded(reply.session_id, reply.reply_id, cut, self._text, self._tokens)

    @property
    def stopped(self) -> bool:
        """Whether the session has closed, or should."""
        return self._stop.is_set()

    def stop(self) -> None:
        self._stop.set()
        self.touch()

    async def wait_until_stopped(self) -> None:
        await self._stop.wait()

    def touch(self) -> None:
        self._changed.set()

    async def wait_for(self, seq: int, *, quiet: Callable[[], bool]) -> None:
        """Return when frame `seq` is decided, its reply is over, and `quiet` holds; or stopped."""
        while not self.stopped and (self.decided_seq < seq or self._replying or not quiet()):
            self._changed.clear()
            await self._changed.wait()

"""The gate's memory of replies whose words somebody else found: it has to hold what was said.

Such a reply's draft leaves it, and the words come in as if the gate had been made to say them. To
the gate that is another reply; to whoever speaks it stays the one. The draft leaves when the words
are there, so that at no moment the gate finds a question that nobody has answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import RuntimeFailure, SessionClosed

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.model_runtime.protocol import Emotion, ReplyStarted, RuntimeSession

logger = logging.getLogger(__name__)

MOST_KNOWN = 256
LONGEST_WAIT_S = 120.0
"""A `say` whose reply has not begun by then was lost with its runtime."""
SHORTEST_CHARS = 16


@dataclass(slots=True, eq=False)
class _Replaced:
    """Reply `reply_id` keeps its first `kept` characters; the rest of what is said is `say_id`.
    `told` is how much of those was reported as heard.
    """

    reply_id: int
    kept: int
    asked_at: float
    say_id: int | None = None
    heard: int = 0
    told: int = 0
    cut_at: int | None = None


class SaidMemory:
    def __init__(self, inner: RuntimeSession, clock: Callable[[], float] = time.monotonic) -> None:
        self._inner = inner
        self._clock = clock
        self._replaced: OrderedDict[int, _Replaced] = OrderedDict()
        self._own: OrderedDict[int, None] = OrderedDict()
        self._asked: deque[_Replaced | None] = deque()
        self._order = asyncio.Lock()

    def owns(self, reply_id: int) -> bool:
        """Whether nobody else is to hear of that reply of the gate's any more."""
        return reply_id in self._own

    def knows(self, reply_id: int) -> bool:
        return reply_id in self._replaced

    def disown(self, reply_id: int) -> None:
        """Its end has been told."""
        self._own[reply_id] = None
        while len(self._own) > MOST_KNOWN:
            self._own.popitem(last=False)

    async def replace(
        self, reply_id: int, *, kept: int, words: str, emotion: Emotion, heard: int = 0
    ) -> None:
        """Of the draft `kept` characters stay; `words` follow. `heard` of all that were."""
        record = _Replaced(reply_id, kept, self._clock(), heard=heard)
        self._replaced[reply_id] = record
        while len(self._replaced) > MOST_KNOWN:
            self._replaced.popitem(last=False)
        self.disown(reply_id)
        with contextlib.suppress(SessionClosed):
            if words.strip():
                await self._put(words, emotion, record)
            else:
                await self._inner.cancel(reply_id, heard_chars=kept)

    async def say(self, words: str, emotion: Emotion) -> None:
        """Of somebody else: it is no reply of ours."""
        async with self._order:
            await self._ask(words, emotion, None)

    async def begins(self, started: ReplyStarted) -> bool:
        """Whether a forced reply is one of ours; in the order in which they were asked for."""
        while self._asked and self._is_lost(self._asked[0]):
            self._asked.popleft()
        record = self._asked.popleft() if self._asked else None
        if record is None:
            return False
        record.say_id = started.reply_id
        self.disown(started.reply_id)
        await self._catch_up(record)
        return True

    async def draft_heard(self, reply_id: int, chars: int) -> None:
        """Of a reply that was said as it was drafted."""
        with contextlib.suppress(SessionClosed):
            await self._inner.heard(reply_id, chars=chars)

    async def heard(self, reply_id: int, chars: int) -> None:
        await self._heard(self._replaced[reply_id], chars)

    async def cut(self, reply_id: int, heard_chars: int) -> None:
        await self._cut(self._replaced[reply_id], heard_chars)

    async def _heard(self, record: _Replaced, chars: int) -> None:
        record.heard = max(record.heard, chars)
        own = min(chars, record.kept)
        if own > record.told:
            record.told = own
            await self._inner.heard(record.reply_id, chars=own)
        if record.say_id is not None and chars > record.kept:
            await self._inner.heard(record.say_id, chars=chars - record.kept)

    async def _cut(self, record: _Replaced, heard_chars: int) -> None:
        record.cut_at = heard_chars
        if heard_chars < record.kept:
            await self._inner.cancel(record.reply_id, heard_chars=heard_chars)
        if record.say_id is not None:
            after = max(0, heard_chars - record.kept)
            await self._inner.cancel(record.say_id, heard_chars=after)

    async def _catch_up(self, record: _Replaced) -> None:
        """The draft may go, and what was told of the reply meanwhile is passed on."""
        with contextlib.suppress(SessionClosed):
            await self._inner.cancel(record.reply_id, heard_chars=record.kept)
            if record.cut_at is not None:
                await self._cut(record, record.cut_at)
            elif record.heard:
                await self._heard(record, record.heard)

    async def _put(self, words: str, emotion: Emotion, record: _Replaced) -> None:
        """A memory has room for so much; of what is longer the beginning is remembered."""
        async with self._order:
            while True:
                try:
                    await self._ask(words, emotion, record)
                    return
                except SessionClosed:
                    raise
                except RuntimeFailure:
                    words = words[: len(words) // 2]
                if len(words) < SHORTEST_CHARS:
                    logger.warning("A reply of the responder is not remembered")
                    return

    async def _ask(self, words: str, emotion: Emotion, record: _Replaced | None) -> None:
        self._asked.append(record)
        try:
            await self._inner.say(words, emotion=emotion)
        except BaseException:
            with contextlib.suppress(ValueError):
                self._asked.remove(record)
            raise

    def _is_lost(self, record: _Replaced | None) -> bool:
        return record is not None and self._clock() - record.asked_at > LONGEST_WAIT_S

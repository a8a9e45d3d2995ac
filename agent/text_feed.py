"""The text of one reply while it is being written."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class TextFeed:
    """One writer, one reader. Its size is bounded by the reply's own limit of tokens."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._closed = False
        self._changed = asyncio.Event()

    @property
    def text(self) -> str:
        return "".join(self._parts)

    @property
    def closed(self) -> bool:
        return self._closed

    def push(self, text: str) -> None:
        if text and not self._closed:
            self._parts.append(text)
            self._changed.set()

    def close(self) -> None:
        self._closed = True
        self._changed.set()

    async def finished(self) -> None:
        """Return when no text follows. There is one reader, and it waits here or in `read`."""
        async for _ in self.read():
            pass

    async def read(self) -> AsyncIterator[str]:
        at = 0
        while True:
            while at < len(self._parts):
                yield self._parts[at]
                at += 1
            if self._closed:
                return
            self._changed.clear()
            await self._changed.wait()

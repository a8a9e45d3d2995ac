"""What a session or a server makes known, to everybody who reads it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pydantic import BaseModel

WAITING_MESSAGES = 4_096
"""A Redis that comes back changes all sessions of other processes at once, twice."""


class FeedReader(Protocol):
    """Takes messages in JSON, and never waits."""

    def put(self, text: str) -> None: ...


class Feed:
    """A message is written once, whoever reads it, and not at all where nobody does."""

    def __init__(self) -> None:
        self._readers: set[FeedReader] = set()

    def add(self, reader: FeedReader) -> None:
        self._readers.add(reader)

    def discard(self, reader: FeedReader) -> None:
        self._readers.discard(reader)

    @property
    def is_read(self) -> bool:
        return bool(self._readers)

    def tell(self, message: BaseModel) -> None:
        if self._readers:
            self.tell_text(message.model_dump_json())

    def tell_text(self, text: str) -> None:
        for reader in tuple(self._readers):
            reader.put(text)


class QueuedReader:
    """Whose messages wait for a socket. `overrun` is set when too many do: then nothing is added,
    since one that lacks a part is of no use.
    """

    def __init__(self, most: int = WAITING_MESSAGES) -> None:
        self.overrun = asyncio.Event()
        self._waiting: asyncio.Queue[str] = asyncio.Queue(most)

    def put(self, text: str) -> None:
        if self.overrun.is_set():
            return
        try:
            self._waiting.put_nowait(text)
        except asyncio.QueueFull:
            self.overrun.set()

    async def next(self) -> str:
        return await self._waiting.get()

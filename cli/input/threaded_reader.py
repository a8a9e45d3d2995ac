"""Brings a blocking iterator into an event loop through a bounded queue."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

Item = TypeVar("Item")


class ThreadedReader(Generic[Item]):
    """Reads ahead by at most `depth` items in a thread of its own.

    The thread is a daemon: a read that blocks for ever, on a silent pipe say, cannot keep the
    process from leaving.
    """

    def __init__(self, items: Iterator[Item], *, depth: int) -> None:
        self._items = items
        self._room = threading.Semaphore(depth)
        self._stopped = threading.Event()
        self._queue: asyncio.Queue[Item | BaseException | None] = asyncio.Queue()

    async def __aiter__(self) -> AsyncIterator[Item]:
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._run, args=(loop,), name="source", daemon=True).start()
        try:
            while (item := await self._queue.get()) is not None:
                self._room.release()
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            self.stop()

    def stop(self) -> None:
        """Read nothing more; what was read is still delivered, then the iteration ends."""
        self._stopped.set()
        self._room.release()
        self._queue.put_nowait(None)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            for item in self._items:
                self._room.acquire()
                if self._stopped.is_set() or not self._deliver(loop, item):
                    return
            self._deliver(loop, None)
        except Exception as exc:
            self._deliver(loop, exc)

    def _deliver(self, loop: asyncio.AbstractEventLoop, item: Item | BaseException | None) -> bool:
        try:
            loop.call_soon_threadsafe(self._queue.put_nowait, item)
        except RuntimeError:
            return False
        return True

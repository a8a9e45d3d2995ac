"""Waiting for what workers do by themselves."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.model_runtime.redis.worker import Worker

WAIT_S = 120.0


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while True:
            if condition():
                return
            await asyncio.sleep(0.02)


async def watched(watcher: Worker, name: str) -> None:
    """Until a worker has seen another one listen, since it last subscribed itself."""
    lookout, presence = watcher._lookout, watcher._presence

    def seen() -> bool:
        now = presence.term is not None and lookout._term == presence.term
        return now and any(token.startswith(f"{name}:") for token in lookout._seen)

    await until(seen)

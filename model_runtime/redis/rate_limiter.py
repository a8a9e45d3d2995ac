"""How often something is done at most, so that much is done at once where there is much to do."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


async def sleep_unless(event: asyncio.Event, seconds: float) -> None:
    """Sleep, but no longer than until that happens."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


class RateLimiter:
    """One turn in `tick_s`; whoever comes later than that does not wait."""

    def __init__(self, tick_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._tick_s = tick_s
        self._clock = clock
        self._next = clock()

    async def turn(self) -> None:
        """Wait for the next one. Others always come in between."""
        await asyncio.sleep(max(0.0, self._next - self._clock()))
        self._next = self._clock() + self._tick_s

from __future__ import annotations

import asyncio

from interject.model_runtime.redis.rate_limiter import RateLimiter
from tests.fakes.clock import FakeClock

TICK_S = 3_600.0


async def test_who_comes_late_does_not_wait() -> None:
    clock = FakeClock()
    limiter = RateLimiter(TICK_S, clock)
    for _ in range(3):
        await limiter.turn()
        clock.advance(TICK_S)


async def test_who_comes_early_waits() -> None:
    limiter = RateLimiter(TICK_S, FakeClock())
    await limiter.turn()
    second = asyncio.create_task(limiter.turn())
    for _ in range(10):
        await asyncio.sleep(0)
    assert not second.done()
    second.cancel()
    await asyncio.wait([second])

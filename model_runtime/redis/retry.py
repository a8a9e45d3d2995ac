"""Going on while Redis is away or full, ever more slowly."""

from __future__ import annotations

import asyncio
import logging
from time import perf_counter
from typing import TYPE_CHECKING

from redis.exceptions import ExecAbortError

from interject.model_runtime.protocol import RuntimeFailure
from interject.model_runtime.redis.connection import FULL, OUTAGE, RedisAway

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from interject.model_runtime.redis.timings import Timings

logger = logging.getLogger(__name__)


class Backoff:
    """Doubles from `first_retry_s` to `longest_retry_s`; `reset` starts anew."""

    def __init__(self, timings: Timings) -> None:
        self._timings = timings
        self._wait_s = timings.first_retry_s

    def reset(self) -> None:
        """It worked."""
        self._wait_s = self._timings.first_retry_s

    async def wait(self) -> None:
        """It did not."""
        await asyncio.sleep(self._wait_s)
        self._wait_s = min(2 * self._wait_s, self._timings.longest_retry_s)


async def always(
    step: Callable[[], Awaitable[None]],
    timings: Timings,
    on_outage: Callable[[], None] = lambda: None,
) -> None:
    """Repeat a step until cancelled.

    The Redis client may swallow a cancellation that arrives just as an answer does; the task still
    knows that it was cancelled.
    """
    task = asyncio.current_task()
    backoff = Backoff(timings)
    while task is not None and not task.cancelling():
        try:
            await step()
            backoff.reset()
        except (*OUTAGE, FULL, ExecAbortError) as error:
            logger.warning("redis cannot be used", extra={"reason": type(error).__name__})
            on_outage()
            await backoff.wait()


async def at_last(step: Callable[[], Awaitable[None]], timings: Timings) -> None:
    """Do something as soon as Redis can be used, at the latest after `start_s`.

    :raises RuntimeFailure: when it could not be used by then, or cannot be used at all.
    """
    deadline = perf_counter() + timings.start_s
    backoff, told = Backoff(timings), False
    while True:
        try:
            return await step()
        except (RedisAway, *OUTAGE, FULL) as error:
            if perf_counter() > deadline:
                raise _as_failure(error) from None
            if not told:
                logger.warning("redis cannot be used yet", extra={"reason": type(error).__name__})
            told = True
        await backoff.wait()


def _as_failure(error: Exception) -> RuntimeFailure:
    if isinstance(error, RuntimeFailure):
        return error
    return RuntimeFailure(f"Redis cannot be used: {' '.join(str(error).split())}")

"""Going on while Redis is away or full, ever more slowly."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from redis.exceptions import ExecAbortError

from interject.model_runtime.redis.connection import FULL, OUTAGE

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

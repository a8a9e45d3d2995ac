"""Going on while Redis is away, full or busy, ever more slowly."""

from __future__ import annotations

import asyncio
import contextlib
from time import perf_counter
from typing import TYPE_CHECKING

from redis.backoff import EqualJitterBackoff

from interject.model_runtime.redis.errors import FAILURES, Handling, handling, passes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from interject.model_runtime.redis.address import Address
    from interject.model_runtime.redis.connection import RedisClient, ShardConnection
    from interject.model_runtime.redis.outage import Outage
    from interject.model_runtime.redis.timings import Timings

MOST_UNKNOWN = 10
"""So many tries in a row, over some seconds, meet an error that nobody knows; then it is fatal."""
MOST_DOUBLINGS = 32
"""redis-py doubles before it caps: after a thousand failures that would be too large a number."""


class Backoff:
    """Doubles from `first_retry_s` to `longest_retry_s`; `reset` starts anew.

    Waits up to a half less, so that those who failed together do not come back together.
    """

    def __init__(self, timings: Timings) -> None:
        self._jittered = EqualJitterBackoff(timings.longest_retry_s, timings.first_retry_s)
        self._failures = 0

    def reset(self) -> None:
        """It worked."""
        self._failures = 0

    async def wait(self) -> None:
        """It did not."""
        await asyncio.sleep(self._jittered.compute(self._failures))
        self._failures = min(self._failures + 1, MOST_DOUBLINGS)


async def repeat_forever(
    step: Callable[[RedisClient], Awaitable[None]],
    connection: ShardConnection,
    timings: Timings,
    outage: Outage | None = None,
    on_failure: Callable[[], None] = lambda: None,
) -> None:
    """Repeat a step until cancelled. Without an `outage` its failures are not told of.

    The Redis client may swallow a cancellation that arrives just as an answer does; the task still
    knows that it was cancelled.

    :raises RuntimeFailure: when an error came that waiting does not mend.
    """
    task = asyncio.current_task()
    backoff, unknown = Backoff(timings), 0
    while task is not None and not task.cancelling():
        try:
            await connection.run(step)
        except FAILURES as error:
            unknown = 0 if passes(error) else unknown + 1
            if handling(error) is Handling.PROCESS or unknown > MOST_UNKNOWN:
                raise connection.address.explain(error) from None
            if outage is not None:
                outage.failed(step, error)
            on_failure()
            await backoff.wait()
        else:
            if outage is not None:
                outage.worked(step)
            backoff.reset()
            unknown = 0


async def retry_until_deadline(
    step: Callable[[], Awaitable[None]], address: Address, timings: Timings, outage: Outage
) -> None:
    """Do something as soon as Redis can be used, at the latest after `start_s`.

    :raises RuntimeFailure: when it could not be used by then, or cannot be used at all.
    """
    deadline = perf_counter() + timings.start_s
    backoff = Backoff(timings)
    while True:
        try:
            await step()
        except FAILURES as error:
            if not passes(error) or perf_counter() > deadline:
                raise address.explain(error) from None
            outage.failed(step, error)
        else:
            return outage.worked(step)
        await backoff.wait()


@contextlib.contextmanager
def suppressed_outage() -> Iterator[None]:
    """Do it if Redis can be used just now."""
    try:
        yield
    except FAILURES as error:
        if not passes(error):
            raise

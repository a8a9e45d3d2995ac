"""What passes is waited for and told of once; what does not pass ends it with one line."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, cast

import pytest
from redis.exceptions import ConnectionError, ResponseError

from interject.model_runtime.protocol import RuntimeFailure
from interject.model_runtime.redis.address import Address
from interject.model_runtime.redis.errors import RedisAway
from interject.model_runtime.redis.outage import LOG_EVERY_S, Outage
from interject.model_runtime.redis.retry import (
    MOST_UNKNOWN,
    Backoff,
    repeat_forever,
    retry_until_deadline,
)
from interject.model_runtime.redis.timings import Timings
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from interject.model_runtime.redis.connection import RedisClient, ShardConnection

ADDRESS = Address.parse("redis://u:secret@host:1/0")
AT_ONCE = Timings(first_retry_s=0, longest_retry_s=0, start_s=0.05)
MISCONF = ResponseError("MISCONF Redis is configured to save RDB snapshots")
STRANGE = ResponseError("ERR user_script:1: attempt to index a nil value")


class FakeConnection:
    """Its Redis gives these answers in turn, and then nothing more."""

    address = ADDRESS

    def __init__(self, *answers: Exception | None) -> None:
        self.left = list(answers)
        self.used_up = asyncio.Event()

    async def run(self, step: Callable[[RedisClient], Awaitable[None]]) -> None:
        await asyncio.sleep(0)
        if not self.left:
            self.used_up.set()
            await asyncio.Event().wait()
        answer = self.left.pop(0)
        if answer is not None:
            raise answer


async def step(client: RedisClient) -> None:
    """Never gets that far."""


async def repeated(connection: FakeConnection, outage: Outage) -> None:
    """Until it has given all of its answers."""
    task = asyncio.create_task(
        repeat_forever(step, cast("ShardConnection", connection), AT_ONCE, outage)
    )
    used_up = asyncio.create_task(connection.used_up.wait())
    await asyncio.wait([task, used_up], return_when=asyncio.FIRST_COMPLETED)
    used_up.cancel()
    if not task.done():
        task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    if not task.cancelled():
        await task


async def test_a_passing_state_is_told_of_once_at_its_begin_and_once_at_its_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answers = (None, MISCONF, ConnectionError("reset"), MISCONF, None, None)
    await repeated(FakeConnection(*answers), Outage(clock=iter((3.0, 3.0, 5.5)).__next__))
    begin, end = caplog.records
    assert (begin.levelno, vars(begin)["reason"]) == (logging.WARNING, "MISCONF")
    assert begin.getMessage() == "redis cannot be used; waiting for it"
    assert (end.getMessage(), vars(end)["seconds"]) == ("redis can be used again", 2.5)


async def test_it_is_over_when_nobody_fails_any_more(caplog: pytest.LogCaptureFixture) -> None:
    outage = Outage()
    for who in ("read", "write", "read"):
        outage.failed(who, MISCONF)
    outage.worked("read")
    outage.worked("beat")
    assert len(caplog.records) == 1
    outage.worked("write")
    assert len(caplog.records) == 2


async def test_outages_soon_after_each_other_are_counted_and_told_of_together(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = FakeClock()
    outage = Outage(clock)
    for _ in range(100):
        outage.failed("read", MISCONF)
        outage.worked("read")
        clock.advance(LOG_EVERY_S / 100)
    assert len(caplog.records) == 2
    outage.failed("read", MISCONF)
    outage.worked("read")
    assert [vars(record).get("count") for record in caplog.records] == [1, None, 100, None]


async def test_an_outage_that_lasts_is_told_of_however_soon_it_came(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = FakeClock()
    outage = Outage(clock)
    outage.failed("read", MISCONF)
    outage.worked("read")
    for _ in range(3):
        outage.failed("read", MISCONF)
        clock.advance(LOG_EVERY_S / 2)
    assert len(caplog.records) == 3
    outage.worked("read")
    assert vars(caplog.records[-1])["seconds"] == 1.5 * LOG_EVERY_S


async def test_what_does_not_pass_is_one_line_without_the_password() -> None:
    denied = ResponseError("NOPERM this user has no permissions to run the 'eval' command")
    with pytest.raises(
        RuntimeFailure, match="redis://host:1/0: the user u, of the tenant default, may not"
    ) as caught:
        await repeated(FakeConnection(None, denied), Outage())
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


async def test_what_nobody_knows_is_tried_some_times() -> None:
    connection = FakeConnection(
        *[STRANGE] * MOST_UNKNOWN, None, *[STRANGE] * MOST_UNKNOWN, MISCONF, STRANGE
    )
    await repeated(connection, Outage())
    with pytest.raises(RuntimeFailure, match="attempt to index a nil value"):
        await repeated(FakeConnection(*[STRANGE] * (MOST_UNKNOWN + 1)), Outage())


async def test_a_start_waits_for_what_passes_and_for_nothing_else() -> None:
    left: list[Exception] = [RedisAway("away"), MISCONF]

    async def begin() -> None:
        if left:
            raise left.pop(0)

    await retry_until_deadline(begin, ADDRESS, AT_ONCE, Outage())
    assert not left
    left += [RuntimeFailure("too old"), MISCONF]
    with pytest.raises(RuntimeFailure, match="too old"):
        await retry_until_deadline(begin, ADDRESS, AT_ONCE, Outage())
    assert left == [MISCONF]


async def test_a_start_does_not_wait_for_ever() -> None:
    async def begin() -> None:
        raise MISCONF

    with pytest.raises(RuntimeFailure, match="MISCONF"):
        await retry_until_deadline(begin, ADDRESS, AT_ONCE, Outage())


async def test_who_failed_together_does_not_come_back_together() -> None:
    timings, clock = Timings(first_retry_s=0.02), asyncio.get_running_loop().time
    began, order = clock(), []

    async def come_back(number: int) -> None:
        await Backoff(timings).wait()
        order.append(number)

    await asyncio.gather(*map(come_back, range(50)))
    assert clock() - began >= timings.first_retry_s / 2
    assert order != sorted(order)


async def test_an_outage_may_last_for_days() -> None:
    backoff = Backoff(Timings(first_retry_s=1e-9, longest_retry_s=0.0))
    for _ in range(2_000):
        await backoff.wait()

"""A session that no worker serves is waited for, told of once, and then ends alone."""

from __future__ import annotations

import logging

import pytest

from interject.model_runtime.protocol import (
    FRAME_SAMPLES,
    Closed,
    CloseReason,
    Frame,
    SessionOptions,
)
from interject.model_runtime.redis.client.session import RedisSession
from interject.model_runtime.redis.client.worker_availability import WorkerAvailability
from interject.model_runtime.redis.timings import Timings
from tests.fakes.clock import FakeClock

TIMINGS = Timings(worker_lease_s=1.0, lost_s=5.0)
GRACE_S = 10.0


def session(close_s: float = 2.0) -> RedisSession:
    made = RedisSession(
        SessionOptions("a"), "a", generation=1, read_to="0-0", resumes_at=0, answer_s=1.0,
        close_s=close_s, wake=lambda: None,
    )  # fmt: skip
    made.grace_ms = round(GRACE_S * 1000)
    return made


async def speak(speaker: RedisSession) -> None:
    """A frame that nobody decides."""
    await speaker.push(Frame(0, 0.0, bytes(FRAME_SAMPLES * 2)))


def beat(
    availability: WorkerAvailability,
    clock: FakeClock,
    waiting: RedisSession,
    *,
    workers: bool,
    seconds: float,
) -> None:
    """As a client does each second, with a Redis that it can use."""
    for _ in range(round(seconds)):
        clock.advance(1.0)
        availability.found(workers=workers)
        availability.known(waiting)
        availability.check(waiting, redis_away=False)


async def ending(ended: RedisSession) -> Closed:
    assert ended.closed.is_set()
    events = [event async for event in ended.events()]
    assert isinstance(events[-1], Closed)
    return events[-1]


async def test_it_is_told_of_once_at_its_begin_and_once_at_its_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, idle = FakeClock(), session()
    availability = WorkerAvailability(TIMINGS, clock)
    availability.served(idle)
    beat(availability, clock, idle, workers=False, seconds=2)
    assert not caplog.records
    beat(availability, clock, idle, workers=False, seconds=8)
    beat(availability, clock, idle, workers=True, seconds=5)
    begin, end = caplog.records
    assert begin.getMessage() == "no worker serves this client's sessions; waiting for one"
    assert (begin.levelno, vars(begin)["count"]) == (logging.WARNING, 1)
    assert end.getMessage() == "workers serve this client again"
    assert vars(end)["seconds"] == 10.0


@pytest.mark.parametrize("speaking", [True, False])
async def test_whom_no_worker_takes_within_the_grace_time_is_closed(speaking: bool) -> None:
    clock, left = FakeClock(), session()
    availability = WorkerAvailability(TIMINGS, clock)
    availability.served(left)
    if speaking:
        await speak(left)
    beat(availability, clock, left, workers=False, seconds=GRACE_S + TIMINGS.lost_s)
    assert not left.closed.is_set()
    beat(availability, clock, left, workers=False, seconds=1)
    end = await ending(left)
    assert (end.reason, end.detail) == (
        CloseReason.FAILURE, "no worker has served the session for 16 s"
    )  # fmt: skip


async def test_so_is_whom_workers_that_live_do_not_answer() -> None:
    """All of them are full."""
    clock, idle, speaking = FakeClock(), session(), session()
    availability = WorkerAvailability(TIMINGS, clock)
    for waiting in (idle, speaking):
        availability.served(waiting)
    await speak(speaking)
    for waiting in (idle, speaking):
        beat(availability, clock, waiting, workers=True, seconds=GRACE_S + TIMINGS.lost_s + 1)
    assert speaking.closed.is_set()
    assert not idle.closed.is_set()


async def test_whom_one_takes_in_time_goes_on() -> None:
    clock, taken = FakeClock(), session()
    availability = WorkerAvailability(TIMINGS, clock)
    availability.served(taken)
    await speak(taken)
    for _ in range(3):
        beat(availability, clock, taken, workers=False, seconds=GRACE_S)
        availability.served(taken)
    assert not taken.closed.is_set()


async def test_redis_is_waited_for_as_long() -> None:
    clock, cut_off = FakeClock(), session()
    availability = WorkerAvailability(TIMINGS, clock)
    availability.served(cut_off)
    for _ in range(round(GRACE_S + TIMINGS.lost_s)):
        clock.advance(1.0)
        availability.check(cut_off, redis_away=True)
    assert not cut_off.closed.is_set()
    clock.advance(1.0)
    availability.check(cut_off, redis_away=True)
    assert (await ending(cut_off)).detail == "Redis could not be used for 16 s"


@pytest.mark.parametrize("reason", [CloseReason.CLIENT, CloseReason.SHUTDOWN])
async def test_a_close_that_nobody_confirms_is_one_all_the_same(reason: CloseReason) -> None:
    left = session(close_s=0.0)
    left.begin_close(reason)
    assert not left.closed.is_set()
    assert [event async for event in left.events()] == [Closed("a", reason)]


async def test_a_client_that_stood_still_has_not_waited_for_a_worker() -> None:
    clock, stopped = FakeClock(), session()
    availability = WorkerAvailability(TIMINGS, clock)
    availability.served(stopped)
    beat(availability, clock, stopped, workers=True, seconds=2)
    clock.advance(40.0)
    availability.check(stopped, redis_away=False)
    assert not stopped.closed.is_set(), "what its workers say of it is to be read first"
    beat(availability, clock, stopped, workers=False, seconds=20)
    assert (await ending(stopped)).detail.startswith("no worker has served the session for 1")

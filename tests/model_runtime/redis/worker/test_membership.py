"""Who counts as dead, and who does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from interject.model_runtime.redis.keys import Keys
from interject.model_runtime.redis.timings import Timings
from interject.model_runtime.redis.worker.membership import FailureDetector, Lease, Liveness
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from redis.asyncio import Redis


class Fleet:
    """What the script says about workers `a` (who looks), `b` and `c`; whose leases were ended."""

    def __init__(self) -> None:
        self.listening = {"a", "b", "c"}
        self.leases = {"a", "b", "c"}
        self.ended: list[str] = []
        self.liveness = Liveness("alive", wait_s=1.0)
        self.liveness.term = 1
        self.detector = FailureDetector(Keys("0"), token="a", liveness=self.liveness)

    async def look(self) -> bool:
        return await self.detector.look(cast("Redis", self))

    async def eval(self, script: str, count: int, fleet: str, prefix: str, *tokens: str) -> object:
        assert (count, fleet, prefix) == (1, "interject:2:{0}:fleet", "interject:2:{0}:")
        me, *suspects = tokens
        here = me in self.listening
        ended = [t for t in suspects if here and t in self.leases - self.listening]
        self.leases -= set(ended)
        self.ended += ended
        found = [word for t in "abc" for word in (t.encode(), int(t in self.listening))]
        return [int(here), len(ended), *found]

    def redis_begins_anew(self) -> None:
        """Everybody has to subscribe again."""
        self.listening.clear()
        self.liveness.interrupted()

    def subscribe(self, *tokens: str) -> None:
        self.listening |= set(tokens)
        if "a" in tokens:
            self.liveness.term = 2


async def test_two_silent_looks_end_a_lease_once() -> None:
    fleet = Fleet()
    assert not await fleet.look()
    fleet.listening.remove("b")
    assert not await fleet.look()
    assert await fleet.look()
    assert fleet.ended == ["b"]
    for _ in range(3):
        assert not await fleet.look()
    assert fleet.ended == ["b"]


async def test_who_listens_again_in_time_keeps_everything() -> None:
    fleet = Fleet()
    for _ in range(3):
        await fleet.look()
        fleet.listening.remove("b")
        await fleet.look()
        fleet.listening.add("b")
        await fleet.look()
    assert fleet.ended == []


async def test_who_lives_without_listening_is_robbed_once() -> None:
    fleet = Fleet()
    await fleet.look()
    fleet.listening.remove("b")
    for _ in range(6):
        await fleet.look()
        fleet.leases.add("b")
    assert fleet.ended == ["b"]


async def test_who_was_never_seen_is_left_to_the_lease() -> None:
    fleet = Fleet()
    fleet.listening.remove("b")
    for _ in range(3):
        assert not await fleet.look()
    assert fleet.ended == []


async def test_nobody_is_dead_because_redis_was() -> None:
    fleet = Fleet()
    await fleet.look()
    fleet.redis_begins_anew()
    for _ in range(3):
        assert not await fleet.look()
    fleet.subscribe("a")
    for _ in range(3):
        assert not await fleet.look()
    fleet.subscribe("c")
    await fleet.look()
    fleet.listening.remove("c")
    await fleet.look()
    await fleet.look()
    assert fleet.ended == ["c"]


async def test_a_term_that_ends_between_two_looks_clears_the_suspicion() -> None:
    fleet = Fleet()
    await fleet.look()
    fleet.listening.remove("b")
    await fleet.look()
    fleet.redis_begins_anew()
    fleet.subscribe("a", "c")
    for _ in range(3):
        assert not await fleet.look()
    assert fleet.ended == []


async def test_where_this_worker_does_not_listen_zeros_mean_nothing() -> None:
    fleet = Fleet()
    await fleet.look()
    fleet.listening.clear()
    for _ in range(3):
        assert not await fleet.look()
    assert fleet.ended == []
    assert fleet.liveness._missed, "it should listen where it looks"


class Beating:
    """What the script says of a lease: whether it had lapsed; or no answer."""

    def __init__(self) -> None:
        self.lapsed = False
        self.away = False

    async def eval(self, script: str, *arguments: object) -> object:
        if self.away:
            raise ConnectionError
        return [b"ok", int(self.lapsed), [], []]


@pytest.mark.parametrize(
    ("lapsed", "cpu_s", "starved"),
    [(True, 0.2, True), (True, 1.9, False), (True, 7.0, False), (False, 0.2, False)],
)
async def test_a_lease_that_lapsed_while_the_process_hardly_ran_was_starved(
    lapsed: bool, cpu_s: float, starved: bool
) -> None:
    redis, wall, cpu = Beating(), FakeClock(), FakeClock()
    lease = Lease(
        Keys("0"), name="w", slots=1, tenants=(), timings=Timings(), clock=wall, cpu_clock=cpu
    )
    client = cast("Redis", redis)
    for clock in (wall, cpu):
        clock.advance(9.0)
    await lease.renew(client)
    redis.lapsed = lapsed
    wall.advance(2.0)
    cpu.advance(cpu_s)
    renewal = await lease.renew(client)
    assert (renewal.lapsed, renewal.starved) == (lapsed, starved)


async def test_what_was_computed_before_a_beat_without_an_answer_counts() -> None:
    redis, wall, cpu = Beating(), FakeClock(), FakeClock()
    lease = Lease(
        Keys("0"), name="w", slots=1, tenants=(), timings=Timings(), clock=wall, cpu_clock=cpu
    )
    client = cast("Redis", redis)
    wall.advance(2.0)
    cpu.advance(2.0)
    redis.away = True
    with pytest.raises(ConnectionError):
        await lease.renew(client)
    redis.away = False
    wall.advance(0.1)
    renewal = await lease.renew(client)
    assert (renewal.lapsed, renewal.starved) == (True, False)


async def test_a_beat_without_an_answer_says_nothing_of_a_lapsed_lease(
    caplog: pytest.LogCaptureFixture,
) -> None:
    redis = Beating()
    lease = Lease(
        Keys("0"), name="w", slots=1, tenants=(), timings=Timings(), clock=FakeClock(),
        cpu_clock=FakeClock(),
    )  # fmt: skip
    client = cast("Redis", redis)
    redis.away = True
    with pytest.raises(ConnectionError):
        await lease.renew(client)
    redis.away = False
    assert (await lease.renew(client)).starved
    assert caplog.messages == []

"""A key is deleted in mid-session, or holds something else: that is its session's affair alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from interject.model_runtime.protocol import (
    Closed,
    CloseReason,
    Decision,
    Gap,
    RuntimeFailure,
    SessionOptions,
)
from interject.model_runtime.redis.client.runtime import RedisRuntime
from interject.model_runtime.redis.keys import DEFAULT_TENANT, Keys, session_name
from interject.model_runtime.redis.timings import Timings
from tests.contract.runtime_contract import of
from tests.live.conftest import hired
from tests.live.redis.client_session import ClientSession, options, undisturbed
from tests.model_runtime.engine.engine_room import outline
from tests.model_runtime.worlds import frames, noise

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from interject.model_runtime.protocol import Event
    from interject.model_runtime.redis.connection import RedisClient
    from interject.model_runtime.redis.keys import Keys as KeysOfShard
    from tests.live.redis.server import RedisServer

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]

KEYS = Keys("0")
VICTIM = session_name(DEFAULT_TENANT, "victim", secret="")
SOUND = frames(noise(16.0, seed=3))
ATTENTIVE = Timings(grace_s=5)
"""Each session is visited twice a second."""
DISTURBED_AT = 12

OWN: dict[str, Callable[[KeysOfShard], str]] = {
    "session": lambda keys: keys.session(VICTIM),
    "in": lambda keys: keys.input(VICTIM),
    "out": lambda keys: keys.output(VICTIM),
    "journal": lambda keys: keys.journal(VICTIM),
    "snapshot": lambda keys: keys.snapshot(VICTIM),
    "client": lambda keys: keys.client(VICTIM),
}
SHARED = (
    "fleet", "tenants", "room:*", "requests:*", "news:*", "notices:*", "worker:*", "name:*",
    "owned:*", "todo:*",
)  # fmt: skip


async def names(client: RedisClient, kind: str) -> list[str]:
    """The keys of a kind that there are."""
    if kind in OWN:
        return [OWN[kind](KEYS)]
    found = await client.ask(("KEYS", KEYS.prefix.replace("{", "\\{") + kind))
    return [name.decode() for name in found] or [KEYS.prefix + kind.replace("*", "w1:none")]


async def disturb(client: RedisClient, kind: str, how: str) -> None:
    for name in await names(client, kind):
        await client.ask(("DEL", name))
        if how == "replaced":
            other = (
                ("SET", name, "x")
                if kind not in ("snapshot", "client", "name:*", "room:*")
                else ("SADD", name, "x")
            )
            await client.ask(other)


async def told_to_the_end(talk: ClientSession) -> None:
    """Speaks on where the disturbance was."""
    for frame in talk.sound[DISTURBED_AT:]:
        if talk.session.ending:
            return
        await talk.push_blindly(frame)
        await talk.settled(frame.seq)


@pytest.mark.parametrize("how", ["deleted", "replaced"])
@pytest.mark.parametrize("kind", [*OWN, *SHARED])
async def test_the_session_goes_on_or_ends_and_its_neighbour_notices_nothing(
    redis_server: RedisServer, client: RedisClient, kind: str, how: str
) -> None:
    await disturbed(redis_server, lambda: disturb(client, kind, how))


FIELDS = ("epoch", "written", "number", "journal", "options", "state", "generation", "grace")


@pytest.mark.parametrize("field", FIELDS)
async def test_so_does_one_of_which_a_field_was_changed(
    redis_server: RedisServer, client: RedisClient, field: str
) -> None:
    await disturbed(
        redis_server, lambda: client.ask(("HSET", KEYS.session(VICTIM), field, "damaged"))
    )


async def test_all_go_on_when_redis_is_emptied(
    redis_server: RedisServer, client: RedisClient
) -> None:
    ends = await disturbed(redis_server, lambda: client.ask(("FLUSHDB",)))
    assert ends.reason is CloseReason.CLIENT


async def disturbed(server: RedisServer, disturb: Callable[[], Awaitable[None]]) -> Closed:
    """How the disturbed session ended; the other one was told what it would have been anyway."""
    async with (
        hired(server.url, slots=3, context=256, timings=ATTENTIVE),
        RedisRuntime(server.url) as runtime,
    ):
        good, victim = [
            ClientSession(await runtime.open(options(n)), SOUND) for n in ("good", "victim")
        ]
        await asyncio.gather(good.push(0, DISTURBED_AT), victim.push(0, DISTURBED_AT))
        await disturb()
        async with asyncio.timeout(30):
            await asyncio.gather(told_to_the_end(good), told_to_the_end(victim))
            beside, events = await asyncio.gather(good.finish(), victim.finish())
        assert outline(beside) == undisturbed("good", SOUND)
        end = events[-1]
        assert isinstance(end, Closed)
        if end == Closed("victim", CloseReason.CLIENT):
            assert accounted_for(events) == list(range(len(SOUND)))
        else:
            assert end.detail
        await once_free(runtime)
        return end


async def once_free(runtime: RedisRuntime) -> None:
    """The name of the session is not taken for ever."""
    async with asyncio.timeout(30):
        while True:
            try:
                session = await runtime.open(SessionOptions("victim"))
            except RuntimeFailure:
                await asyncio.sleep(0.1)
            else:
                return await session.close()


def accounted_for(events: list[Event]) -> list[int]:
    """Frames that were decided or told to be lost."""
    decided = {decision.seq for decision in of(Decision, events)}
    gaps = [range(gap.first_seq, gap.first_seq + gap.count) for gap in of(Gap, events)]
    return sorted(decided.union(*gaps))

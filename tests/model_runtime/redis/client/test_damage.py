"""A session of which Redis keeps something else is waited for, and then ends alone."""

from __future__ import annotations

from interject.model_runtime.protocol import Closed, CloseReason, SessionOptions
from interject.model_runtime.redis.client.damage import Damage, SessionKey
from interject.model_runtime.redis.client.session import RedisSession
from tests.fakes.clock import FakeClock


def session() -> RedisSession:
    return RedisSession(
        SessionOptions("a"), "a", generation=1, read_to="0-0", resumes_at=0, answer_s=1.0,
        wake=lambda: None,
    )  # fmt: skip


async def test_what_nobody_mends_ends_the_session_with_a_reason() -> None:
    clock, hurt = FakeClock(), session()
    damage = Damage(5.0, clock)
    for _ in range(6):
        damage.found(hurt, SessionKey.INPUT)
        assert not hurt.closed.is_set()
        clock.advance(1.0)
    damage.found(hurt, SessionKey.INPUT)
    end = await anext(hurt.events())
    assert isinstance(end, Closed)
    assert end.reason is CloseReason.FAILURE
    assert end.detail == "its input is gone from Redis, and no worker brings it back"


async def test_what_was_mended_or_is_long_ago_does_not_count() -> None:
    clock, hurt = FakeClock(), session()
    damage = Damage(5.0, clock)
    for pause_s in (2.0, 2.0, 2.0, 4.0, 2.0, 2.0):
        damage.found(hurt, SessionKey.OUTPUT)
        clock.advance(pause_s)
        if clock.now_s == 1_006.0:
            damage.mended(hurt, SessionKey.OUTPUT)
    assert not hurt.closed.is_set()

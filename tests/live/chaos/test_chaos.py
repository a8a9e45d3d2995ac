"""Twenty rooms while workers, Redis and media processes are killed, stopped and cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.live.chaos.schedule import Chaos

if TYPE_CHECKING:
    from tests.live.redis.server import RedisServer

ROOMS = 20
FRAMES = 150

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.timeout(1_200)]


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.rare)])
async def test_every_room_is_told_what_it_would_have_been(
    redis_server: RedisServer, seed: int
) -> None:
    outcome = await Chaos(redis_server, seed=seed, rooms=ROOMS, frames=FRAMES).run()
    assert outcome.recoveries, "nothing was disturbed"
    assert all(account.decided > 0 and account.replies > 0 for account in outcome.accounts)

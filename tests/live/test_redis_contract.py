"""The runtime behind Redis keeps the contract, with a real redis-server in between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from interject.model_runtime.redis.runtime import RedisRuntime
from tests.contract.runtime_contract import RuntimeContract
from tests.live.conftest import hired

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.live.redis_server import RedisServer

pytestmark = pytest.mark.live


@pytest.fixture
async def runtime(redis_server: RedisServer) -> AsyncIterator[RedisRuntime]:
    async with hired(redis_server.url), RedisRuntime(redis_server.url) as opened:
        yield opened


class TestRedis(RuntimeContract):
    """The contract of every runtime."""

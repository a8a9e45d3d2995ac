"""What a Redis does when its memory is full."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from redis.exceptions import ResponseError

from interject.model_runtime.redis.address import Address
from interject.model_runtime.redis.connection import ShardConnection
from interject.model_runtime.redis.errors import passes
from interject.model_runtime.redis.node_resolver import NodeResolver

if TYPE_CHECKING:
    from interject.model_runtime.redis.connection import RedisClient

SAFE = "noeviction"

logger = logging.getLogger(__name__)


async def eviction_policy(client: RedisClient) -> str:
    """Its `maxmemory-policy`; "" where this user may not know."""
    try:
        answer: bytes = await client.ask(("INFO", "memory"))
    except ResponseError as error:
        if passes(error):
            raise
        return ""
    lines = answer.decode("ascii", "replace").splitlines()
    found = (line.partition(":") for line in lines)
    return next((value for name, _, value in found if name == "maxmemory_policy"), "")


async def warn_of_eviction(client: RedisClient) -> None:
    """Any other policy deletes keys of sessions that still run."""
    policy = await eviction_policy(client)
    if policy not in ("", SAFE):
        logger.warning(
            "redis may delete sessions when it is full; set maxmemory-policy noeviction",
            extra={"reason": policy},
        )


async def policy_of(url: str) -> str:
    """That of the Redis at a URL; of the shard's node in a cluster.

    :raises RuntimeFailure: when it cannot be used.
    """
    address = Address.parse(url)
    async with contextlib.aclosing(
        ShardConnection(NodeResolver(address, address.keys))
    ) as connection:
        await connection.check()
        return await connection.run(eviction_policy)

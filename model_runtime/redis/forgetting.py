"""Deletes what Redis still holds of sessions that have ended, before it forgets them by itself."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import RuntimeFailure
from interject.model_runtime.redis.address import Address
from interject.model_runtime.redis.connection import ShardConnection
from interject.model_runtime.redis.errors import FAILURES, code
from interject.model_runtime.redis.keys import Keys
from interject.model_runtime.redis.node_resolver import NodeResolver

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from interject.model_runtime.redis.connection import RedisClient

CLOSED = b"closed"


async def forget_sessions(url: str, session_ids: Iterable[str]) -> int:
    """How many keys there were, which are no more. `url` is the one that the sessions' server has,
    with a user who may delete: a worker's may.

    :raises RuntimeFailure: when Redis cannot be used, or one of the sessions goes on.
    """
    address = Address.parse(url)
    names = [address.session_name(session_id) for session_id in session_ids]
    gone = 0
    for shard in address.shards:
        keys = Keys(shard)
        connection = ShardConnection(NodeResolver(address, keys))
        try:
            await connection.check()
            gone += await connection.run(partial(_forget, keys=keys, names=names))
        except FAILURES as error:
            if code(error) != "NOPERM":
                raise address.explain(error) from None
            raise RuntimeFailure(
                f"{address.name}: this user may not delete sessions; use a worker's"
            ) from None
        finally:
            await connection.aclose()
    return gone


async def _forget(client: RedisClient, *, keys: Keys, names: Sequence[str]) -> int:
    gone = 0
    for name in names:
        state = await client.ask(("HGET", keys.session(name), "state"))
        if state not in (None, CLOSED):
            raise RuntimeFailure("the session goes on: end it first")
        gone += await client.ask(("UNLINK", *_kept(keys, name)))
    return gone


def _kept(keys: Keys, name: str) -> tuple[str, ...]:
    """All that is a session's own."""
    kinds = (keys.input, keys.output, keys.journal, keys.snapshot, keys.session, keys.client)
    return tuple(kind(name) for kind in kinds)

"""A tenant that writes whatever it may into its own keys, and names what is not its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redis.asyncio import Redis

from interject.model_runtime.protocol import SessionOptions
from interject.model_runtime.redis.keys import DEFAULT_TENANT, Keys, session_name
from interject.model_runtime.redis.requests import OpenRequest
from interject.model_runtime.remote import options_codec

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

KEYS = Keys("0")
TENANT = "hostile"
TOKEN = "6" * 32
ENTRIES = 500
Fields = dict[Any, Any]


def requests(dice: random.Random, strangers: Sequence[str]) -> list[Fields]:
    """Rubbish, options that nobody may have, and sessions of others."""
    options = options_codec.encode_options(SessionOptions("x"))
    asked: list[Fields] = [
        dict(OpenRequest(name, TOKEN, "1", options, 0).encode()) for name in strangers
    ]
    mine = session_name(TENANT, "x", secret="")
    asked.append(dict(OpenRequest(mine, TOKEN, "2", b'{"threshold":7}', 0).encode()))
    asked.append(dict(OpenRequest(mine, TOKEN, "3", b"[" * 200_000, 0).encode()))
    return [dice.choice([*asked, {b"x": dice.randbytes(100)}]) for _ in range(ENTRIES)]


async def be_hostile(port: int, dice: random.Random, rooms: Sequence[str]) -> None:
    """As its user of the shipped ACL might, all at once. `rooms` are sessions of the others."""
    strangers = [session_name(DEFAULT_TENANT, room, secret="") for room in rooms]
    own = session_name(TENANT, "x", secret="")
    async with Redis(port=port) as client:
        await client.sadd(KEYS.tenants, TENANT)
        pipeline = client.pipeline(transaction=False)
        for fields in requests(dice, strangers):
            pipeline.xadd(KEYS.requests(TENANT), fields)
            pipeline.xadd(KEYS.news(TENANT), {"k": " ".join(strangers)})
        pipeline.xadd(KEYS.news(TENANT), {"k": dice.randbytes(1_000_000)})
        pipeline.set(KEYS.client(own), dice.randbytes(1_000_000))
        pipeline.xadd(KEYS.input(own), {"d": dice.randbytes(1_000_000)})
        await pipeline.execute()

"""Where a client that comes back to a session goes on counting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.model_runtime.protocol import Decision, Frame, Gap
from interject.model_runtime.redis.streams import entries
from interject.model_runtime.remote import wire

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from interject.model_runtime.redis.keys import Keys

LOOK_BACK_ENTRIES = 200


async def next_seq(client: Redis, keys: Keys, key: str) -> int:
    """The number that follows the newest frame that was sent or decided."""
    newest = -1
    outputs = await client.xrevrange(keys.output(key), count=LOOK_BACK_ENTRIES)
    for _, fields in entries(outputs):
        newest = max(newest, _decided(fields))
    inputs = await client.xrevrange(keys.input(key), count=LOOK_BACK_ENTRIES)
    for _, fields in entries(inputs):
        newest = max(newest, _sent(fields))
        if newest >= 0:
            break
    return newest + 1


def _decided(fields: wire.Fields) -> int:
    try:
        output = wire.decode_output(fields)
    except wire.WireError:
        return -1
    match output:
        case Decision():
            return output.seq
        case Gap():
            return output.first_seq + output.count - 1
    return -1


def _sent(fields: wire.Fields) -> int:
    try:
        item = wire.decode_input(fields)
    except wire.WireError:
        return -1
    return item.seq if isinstance(item, Frame) else -1

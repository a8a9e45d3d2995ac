"""Where a client that comes back to a session goes on counting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.model_runtime.protocol import Decision, Frame, Gap
from interject.model_runtime.redis.streams import entries
from interject.model_runtime.remote import wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis.asyncio import Redis

    from interject.model_runtime.redis.keys import Keys

LOOK_BACK_ENTRIES = (1, 9, 190)
"""At once, while none of those before was a frame: one has 13 KB."""


async def next_seq(client: Redis, keys: Keys, key: str) -> int:
    """The number that follows the newest frame that was sent or decided."""
    decided = await _newest(client, keys.output(key), _decided)
    return max(decided, await _newest(client, keys.input(key), _sent)) + 1


async def _newest(client: Redis, stream: str, number: Callable[[wire.Fields], int]) -> int:
    """-1 where there is none."""
    end = "+"
    for count in LOOK_BACK_ENTRIES:
        page = entries(await client.xrevrange(stream, max=end, count=count))
        found = max((number(fields) for _, fields in page), default=-1)
        if found >= 0 or len(page) < count:
            return found
        end = f"({page[-1][0]}"
    return -1


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

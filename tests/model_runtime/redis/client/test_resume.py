"""Where a client that comes back goes on counting, and how much it reads to find out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from interject.model_runtime.protocol import Decision, FloorMode, Gap, GapReason, ReplyDelta
from interject.model_runtime.redis.client.resume import next_seq
from interject.model_runtime.redis.keys import Keys
from interject.model_runtime.redis.streams import entry_order
from interject.model_runtime.remote import wire
from tests.model_runtime.worlds import frames, noise

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from interject.model_runtime.protocol import Event

KEYS = Keys("0")
SOUND = frames(noise(4.0, seed=1))


class TwoStreams:
    """What was sent and what was told, and how many entries were read of it."""

    def __init__(self, sent: list[wire.Input], told: list[Event]) -> None:
        self._streams = {
            KEYS.input("a"): [wire.encode(item) for item in sent],
            KEYS.output("a"): [wire.encode(event) for event in told],
        }
        self.read = 0

    async def xrevrange(self, stream: str, max: str = "+", count: int = 0) -> list[Any]:
        entries = [(f"1-{n}".encode(), one) for n, one in enumerate(self._streams[stream], 1)]
        if max != "+":
            before = entry_order(max.removeprefix("("))
            entries = [entry for entry in entries if entry_order(entry[0].decode()) < before]
        found = entries[::-1][:count]
        self.read += len(found)
        return found


def decided(seq: int) -> Decision:
    return Decision("a", seq, 0.0, 0.0, 0.0, p_respond=0.0, respond=False, mode=FloorMode.SPEAK)


HEARD: list[wire.Input] = [wire.Heard(1, n) for n in range(12)]
DELTAS: list[Event] = [ReplyDelta("a", 1, (), "x")] * 12


@pytest.mark.parametrize(
    ("sent", "told", "expected"),
    [
        ([], [], 0),
        (SOUND[:3], [], 3),
        (SOUND[:3], [decided(0), decided(1)], 3),
        ([*SOUND[:3], *HEARD], [decided(0), *DELTAS], 3),
        (HEARD, [decided(0), Gap("a", 1, 4, GapReason.MISSING), *DELTAS], 5),
    ],
)
async def test_it_follows_the_newest_frame_sent_or_decided(
    sent: list[wire.Input], told: list[Event], expected: int
) -> None:
    assert await next_seq(cast("Redis", TwoStreams(sent, told)), KEYS, "a") == expected


async def test_of_a_long_stream_one_entry_is_read() -> None:
    streams = TwoStreams([*SOUND], [decided(frame.seq) for frame in SOUND])
    assert await next_seq(cast("Redis", streams), KEYS, "a") == len(SOUND)
    assert streams.read == 2

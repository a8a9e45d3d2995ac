from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from pyee.asyncio import AsyncIOEventEmitter

from interject.integrations.webrtc.message_channel import (
    BURST,
    MOST_CHARS,
    MOST_UNSENT_BYTES,
    MOST_WAITING,
    PER_SECOND,
    MessageChannel,
)
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from aiortc import RTCDataChannel


class FakeDataChannel(AsyncIOEventEmitter):
    """Of aiortc's: open or not, and full or not, as a test says."""

    def __init__(self, *, state: str = "open") -> None:
        super().__init__()
        self.readyState = state
        self.bufferedAmount = 0
        self.sent: list[str] = []
        self.most_bytes = 1 << 16

    def send(self, text: str) -> None:
        if len(text) > self.most_bytes:
            raise ValueError("longer than the other side takes")
        self.sent.append(text)

    def opens(self) -> None:
        self.readyState = "open"
        self.emit("open")


class World:
    def __init__(self, channel: FakeDataChannel | None = None) -> None:
        self.clock = FakeClock()
        self.read: list[str] = []
        self.refused: list[str] = []
        self.messages = MessageChannel(self.read.append, self.refused.append, clock=self.clock)
        self.channel = channel or FakeDataChannel()
        self.attach(self.channel)

    def attach(self, channel: FakeDataChannel) -> None:
        self.messages.attach(cast("RTCDataChannel", channel))

    def comes(self, message: str | bytes) -> None:
        self.channel.emit("message", message)


def test_messages_wait_for_the_channel_and_the_oldest_give_way() -> None:
    world = World(FakeDataChannel(state="connecting"))
    for number in range(MOST_WAITING + 3):
        world.messages.send(str(number))
    assert world.channel.sent == []
    world.channel.opens()
    assert world.channel.sent == [str(number) for number in range(3, MOST_WAITING + 3)]
    assert world.messages.dropped == 3


def test_a_slow_reader_loses_the_newest() -> None:
    world = World()
    world.channel.bufferedAmount = MOST_UNSENT_BYTES + 1
    world.messages.send("lost")
    world.channel.bufferedAmount = 0
    world.messages.send("read")
    assert world.channel.sent == ["read"]
    assert world.messages.dropped == 1


def test_what_a_client_cannot_take_costs_nothing_else() -> None:
    world = World()
    world.channel.most_bytes = 10
    world.messages.send("x" * 11)
    world.messages.send("short")
    assert world.channel.sent == ["short"]


def test_a_ping_is_a_sign_of_life_and_nothing_else() -> None:
    world = World()
    world.clock.advance(5)
    world.comes("ping: 1764219200000")
    assert world.read == []
    assert world.messages.heard_at == world.clock()


def test_a_flood_is_cut_to_its_share_and_answered_once_a_second() -> None:
    world = World()
    for _ in range(1_000):
        world.comes(json.dumps({"type": "x"}))
    assert len(world.read) == BURST
    assert len(world.refused) == 1
    world.clock.advance(1)
    for _ in range(1_000):
        world.comes(json.dumps({"type": "x"}))
    assert len(world.read) == BURST + PER_SECOND
    assert len(world.refused) == 2


def test_binary_and_huge_messages_are_refused_in_words() -> None:
    world = World()
    world.comes(b"\x00\x01")
    world.clock.advance(1)
    world.comes("x" * (MOST_CHARS + 1))
    assert world.read == []
    assert world.refused == [
        "binary messages are not read",
        "messages of more than 16,384 characters are not read",
    ]


def test_a_new_connection_s_channel_takes_the_old_one_s_place() -> None:
    world = World()
    old, world.channel = world.channel, FakeDataChannel()
    world.attach(world.channel)
    old.emit("message", '{"type": "old"}')
    world.comes('{"type": "new"}')
    world.messages.send("hello")
    assert world.read == ['{"type": "new"}']
    assert (old.sent, world.channel.sent) == ([], ["hello"])

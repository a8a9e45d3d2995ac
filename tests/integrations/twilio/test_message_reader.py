"""Limits of one media socket: what is left out, and what ends it."""

from __future__ import annotations

import asyncio
import json

import pytest

from interject.integrations.twilio.message_reader import MessageReader
from interject.integrations.twilio.messages import MarkMessage, StopMessage
from interject.integrations.web.audio_socket import (
    AudioSocket,
    SocketLeft,
    SocketLimits,
    StreamRefused,
)
from tests.fakes.clock import FakeClock
from tests.fakes.web_socket import FakeWebSocket, Said
from tests.integrations.twilio.test_messages import MEDIA, START

MOST_AT_ONCE, MOST_BAD_AT_ONCE = SocketLimits().most_at_once, SocketLimits().most_bad_at_once
CONNECTED = {"event": "connected", "protocol": "Call", "version": "1.0.0"}
STOP = {"event": "stop", "streamSid": "MZ1"}
MARK = {"event": "mark", "streamSid": "MZ1", "mark": {"name": "0:1"}}


def socket_of(*said: Said, clock: FakeClock | None = None) -> AudioSocket:
    return AudioSocket(FakeWebSocket(*said), clock=clock or FakeClock())


def reader_of(*said: Said) -> MessageReader:
    return MessageReader(socket_of(*said))


async def test_a_stream_begins_with_start() -> None:
    start = await reader_of(CONNECTED, START).start()
    assert start.start.parameters == {"token": "secret"}
    assert (await reader_of(START).start()).stream_sid == start.stream_sid


async def test_a_stream_that_begins_otherwise_is_refused() -> None:
    with pytest.raises(StreamRefused, match="did not begin"):
        await reader_of(CONNECTED, MEDIA).start()


async def test_a_stream_that_does_not_begin_in_time_is_refused() -> None:
    with pytest.raises(StreamRefused, match="in time"):
        await reader_of(CONNECTED).start(within_s=0.01)


async def test_a_socket_that_leaves_has_left() -> None:
    with pytest.raises(SocketLeft):
        await reader_of({"type": "websocket.disconnect", "code": 1006}).start()


async def test_what_cannot_be_read_is_counted_and_left_out() -> None:
    socket = socket_of("{", b"\x00", {"event": "weather"}, "null", STOP)
    reader = MessageReader(socket)
    assert isinstance(await reader.next(), StopMessage)
    assert (socket.bad_messages, reader.unknown_events) == (3, 1)


async def test_too_much_of_it_ends_the_stream() -> None:
    socket = socket_of(*["{"] * (MOST_BAD_AT_ONCE + 1), STOP)
    with pytest.raises(StreamRefused) as caught:
        await MessageReader(socket).next()
    assert (caught.value.code, socket.bad_messages) == (1007, MOST_BAD_AT_ONCE + 1)


async def test_a_little_of_it_over_hours_does_not() -> None:
    clock = FakeClock()
    bad_and_good = ["{", json.dumps(MARK)] * 1_000
    socket = socket_of(*bad_and_good, clock=clock)
    reader = MessageReader(socket)
    for _ in range(1_000):
        assert isinstance(await reader.next(), MarkMessage)
        clock.advance(10)
    assert socket.bad_messages == 1_000


async def test_a_flood_ends_the_stream() -> None:
    reader = reader_of(*[MARK] * (MOST_AT_ONCE + 1))
    for _ in range(MOST_AT_ONCE):
        await reader.next()
    with pytest.raises(StreamRefused, match="a second"):
        await reader.next()


async def test_a_socket_with_much_at_hand_lets_others_go_on() -> None:
    reader = reader_of(*[MARK] * 1_000)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    for _ in range(1_000):
        await reader.next()
    task.cancel()
    assert turns >= 20


def test_a_reason_fits_into_a_close_frame() -> None:
    for reason in ("too many messages could not be read", "too many messages a second"):
        assert len(reason.encode()) <= 123

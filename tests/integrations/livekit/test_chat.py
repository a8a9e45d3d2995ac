"""What is written reaches whom it concerns: in order, and from people whom nobody knows yet."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from livekit import rtc

from interject.config import RoomSettings
from interject.integrations.conversation.chat_rules import MAX_CHARS, NOT_READ, TOO_LONG
from interject.integrations.conversation.consent import Consent
from interject.integrations.livekit.room.chat import MAX_HELD, Chat
from interject.integrations.livekit.room.people import people_only
from tests.fakes.livekit_room import FakeRoom
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest

AGENT_KIND = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT


@contextlib.asynccontextmanager
async def chat(
    room: FakeRoom, *, hold_s: float = 60.0
) -> AsyncIterator[tuple[Consent, list[tuple[str, str]]]]:
    consent, told = Consent(may_control=lambda _: False), list[tuple[str, str]]()
    async with Chat(
        room.as_room,
        RoomSettings(),
        consent,
        accepts=people_only,
        on_text=lambda *what: told.append(what),
        hold_s=hold_s,
    ):
        yield consent, told


async def settled() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


async def test_what_a_stranger_writes_counts_once_the_room_knows_him() -> None:
    room = FakeRoom()
    async with chat(room) as (consent, told):
        room.write("ann", "good morning")
        room.write("ann", "Stop list", "ening.")
        room.write("ann", "are you there?")
        room.write("ben", "hello")
        await settled()
        assert (consent.listening, told) == (True, [])
        room.come("cem", "P1")
        await settled()
        assert (consent.listening, told) == (True, [])
        room.come("ann", "P2")
        await until(lambda: not consent.listening)
        assert told == [("ann", "good morning")]
        room.come("ben", "P3")
        await settled()
        assert told == [("ann", "good morning")]


async def test_a_message_with_nothing_to_be_seen_is_none() -> None:
    room = FakeRoom()
    async with chat(room) as (_, told):
        room.come("ann", "P1")
        for text in ("\0", "\u200b", " \n", "hello"):
            room.write("ann", text)
        await until(lambda: bool(told))
        assert told == [("ann", "hello")]


async def test_a_short_message_does_not_pass_a_long_one_of_the_same_sender() -> None:
    room = FakeRoom()
    room.come("ann", "P1")
    room.come("ben", "P2")
    async with chat(room) as (_, told):
        first = room.write("ann", "one", whole=False)
        room.write("ann", "two")
        room.write("ben", "three")
        await until(lambda: told)
        assert told == [("ben", "three")]
        first.arrive(None)
        await until(lambda: len(told) == 3)
        assert told[1:] == [("ann", "one"), ("ann", "two")]


async def test_strangers_wait_in_bounds_and_what_is_dropped_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    room = FakeRoom()
    async with chat(room, hold_s=0.05) as (_, told):
        for index in range(MAX_HELD):
            room.write(f"nobody-{index}", "secret")
        await settled()
        assert room.write("nobody", "secret").closed
        room.come("ann", "P1")
        room.write("ann", "hello")
        await until(lambda: told)
        assert [record.message for record in caplog.records] == [
            "A chat message was dropped; too many wait"
        ]
        await until(lambda: len(caplog.records) == 1 + MAX_HELD)
    assert {record.message for record in caplog.records[1:]} == {
        "A chat message was dropped; the room does not know its sender"
    }
    assert told == [("ann", "hello")]
    assert "secret" not in caplog.text


async def test_other_agents_are_not_read(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    room = FakeRoom()
    async with chat(room) as (consent, told):
        room.write("robot", "stop listening")
        room.come("robot", "P1", kind=AGENT_KIND)
        room.write("robot", "stop listening")
        await settled()
    assert (consent.listening, told) == (True, [])
    assert [record.message for record in caplog.records if "chat" in record.message] == [
        "A chat message is not read: it is no person's"
    ] * 2


async def test_a_message_up_to_the_limit_is_read_whole_and_a_longer_one_is_refused() -> None:
    room = FakeRoom()
    room.come("ann", "P1")
    async with chat(room) as (_, told):
        room.write("ann", "x" * MAX_CHARS)
        room.write("ann", "x" * MAX_CHARS, "y")
        room.write("ann", "good morning")
        await until(lambda: len(told) == 2)
    assert told == [("ann", "x" * MAX_CHARS), ("ann", "good morning")]
    assert room.local_participant.sent == [(("ann",), TOO_LONG, {"interject.error": "true"})]


async def test_whose_message_the_model_does_not_take_is_told() -> None:
    room = FakeRoom()
    room.come("ann", "P1")
    consent = Consent(may_control=lambda _: False)
    async with Chat(
        room.as_room, RoomSettings(), consent, accepts=people_only, on_text=lambda *_: None
    ) as here:
        here.unread("ann")
        here.unread("gone")
        await settled()
    assert room.local_participant.sent == [(("ann",), NOT_READ, {"interject.error": "true"})]

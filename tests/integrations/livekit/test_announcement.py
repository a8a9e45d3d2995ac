"""Everybody who is there learns that he is heard, each time he comes."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from interject.config import RoomSettings
from interject.integrations.livekit.room.people import people_only
from interject.integrations.livekit.room.room_announcement import RoomAnnouncement
from tests.fakes.livekit_room import FakeRoom

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SETTINGS = RoomSettings()


@contextlib.asynccontextmanager
async def announced(room: FakeRoom) -> AsyncIterator[None]:
    async with RoomAnnouncement(room.as_room, SETTINGS, accepts=people_only):
        yield
        for _ in range(20):
            await asyncio.sleep(0)


def told(room: FakeRoom) -> list[tuple[str, ...]]:
    return [who for who, text, _ in room.local_participant.sent if text == SETTINGS.announcement]


async def test_those_who_are_there_and_those_who_come_are_told_once() -> None:
    room = FakeRoom()
    ann = room.come("ann", "P1")
    async with announced(room):
        room.come("ben", "P2")
        room.emit("participant_connected", ann)
    assert told(room) == [("ann",), ("ben",)]


async def test_who_leaves_and_returns_is_told_again() -> None:
    room = FakeRoom()
    room.come("ann", "P1")
    async with announced(room):
        room.go("ann")
        room.come("ann", "P2")
    assert told(room) == [("ann",), ("ann",)]


async def test_who_takes_anothers_identity_is_told_whichever_news_comes_first() -> None:
    room = FakeRoom()
    former = room.come("ann", "P1")
    async with announced(room):
        later = room.come("ann", "P2")
        room.emit("participant_disconnected", former)
        room.emit("participant_connected", later)
    assert told(room) == [("ann",), ("ann",)]

"""However often an agent is sent into a room, one of its name stays there."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest
from livekit import rtc

from interject.integrations.livekit.room.precedence import Precedence
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.live.livekit.server import LiveKitServer

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]


@contextlib.asynccontextmanager
async def joined(server: LiveKitServer, room: str, identity: str) -> AsyncIterator[rtc.Room]:
    connection = rtc.Room()
    await connection.connect(server.url, server.token(identity, room))
    try:
        yield connection
    finally:
        await connection.disconnect()


async def test_of_those_who_come_at_once_one_stays(shared_livekit: LiveKitServer) -> None:
    stay, left = asyncio.Event(), []

    async def agent(identity: str, name: str) -> None:
        async with (
            joined(shared_livekit, "at-once", identity) as room,
            Precedence(room, name) as precedence,
        ):
            leaving = asyncio.ensure_future(precedence.until_lost())
            staying = asyncio.ensure_future(stay.wait())
            await asyncio.wait({leaving, staying}, return_when=asyncio.FIRST_COMPLETED)
            if leaving.done():
                left.append(identity)
            leaving.cancel()
            staying.cancel()

    async with asyncio.TaskGroup() as group:
        for identity in ("one", "two", "three", "four"):
            group.create_task(agent(identity, "interject"))
        group.create_task(agent("other", "another name"))
        await until(lambda: len(left) == 3, "the others to leave")
        await asyncio.sleep(1.0)
        stay.set()
    assert len(left) == 3
    assert "other" not in left


async def test_who_does_not_answer_holds_no_place(shared_livekit: LiveKitServer) -> None:
    """As after a kill: LiveKit shows the dead for half a minute."""

    over = asyncio.Event()

    async def silent(_: rtc.RpcInvocationData) -> str:
        await over.wait()
        return ""

    async with joined(shared_livekit, "ghost", "dead") as dead, Precedence(dead, "interject"):
        dead.local_participant.register_rpc_method("interject.status", silent)
        async with (
            joined(shared_livekit, "ghost", "new") as new,
            Precedence(new, "interject") as precedence,
        ):
            assert not await precedence.lost()
            over.set()
            dead.local_participant.unregister_rpc_method("interject.status")
            assert await precedence.lost()

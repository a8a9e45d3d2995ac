"""Thirty meetings at once, and a thousand bad messages beside one: `make soak`."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from interject.integrations.sockets.attendee.platform import AttendeePlatform
from interject.integrations.sockets.attendee.settings import AttendeeSettings
from interject.integrations.sockets.plain.platform import PlainPlatform
from interject.integrations.sockets.simulator.attendee import AttendeeDialect
from interject.integrations.sockets.simulator.peer import SimulatedPeer
from interject.integrations.sockets.simulator.plain import PlainDialect
from interject.integrations.web.bearer import Bearer
from tests.fakes.runtime import FakeRuntime
from tests.integrations.sockets.rubbish import PLAIN_EVENTS, messages_of
from tests.integrations.sockets.stage import socket_server
from tests.integrations.sockets.test_attendee_codec import ATTENDEE_FIELDS
from tests.live.interject_process import InterjectProcess
from tests.live.livekit.agent import kitchen
from tests.live.twilio.phone_server import brief
from tests.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from interject.integrations.sockets.simulator.dialect import Dialect
    from interject.integrations.sockets.socket_events import Message

pytestmark = [pytest.mark.live, pytest.mark.rare, pytest.mark.timeout(300)]

SECRET = "secret-of-the-url-1"
MEETINGS, SECONDS = 30, 30.0
MESSAGES_A_SOCKET = 20
PATHS = {"plain": "/sockets/plain", "attendee": f"/sockets/attendee/{SECRET}"}


def platforms() -> list[AttendeePlatform | PlainPlatform]:
    return [PlainPlatform(Bearer()), AttendeePlatform(AttendeeSettings(secret=SECRET))]


async def meet(url: str, number: int) -> SimulatedPeer:
    """Somebody says a kitchen, from a place of his own."""
    sound = np.roll(kitchen(), -number * 16_000)[: round(SECONDS * 16_000)]
    peer = SimulatedPeer(AttendeeDialect(f"bot_{number}"), speakers=("u1",))
    async with peer.dialled(url + PATHS["attendee"]):
        await peer.say("u1", sound)
        assert not peer.ended.is_set(), peer.close_reason
    return peer


async def test_thirty_meetings_last_to_their_end_and_are_answered(tmp_path: Path) -> None:
    words = [
        "serve", "--sockets", "attendee", "--no-webrtc", "--slots", str(MEETINGS), "--profile",
        brief(tmp_path), "--bind", "127.0.0.1:0", "--log-format", "json",
    ]  # fmt: skip
    environment = {"INTERJECT_API_TOKEN": "", "INTERJECT_ATTENDEE_SECRET": SECRET}
    server = InterjectProcess(
        words, tmp_path / "log", ready="Interject serves", environment=environment
    )
    try:
        await asyncio.to_thread(server.start)
        address = str(server.logged("Interject serves")[0]["address"])
        async with asyncio.TaskGroup() as group:
            url = f"ws{address.removeprefix('http')}"
            meetings = [group.create_task(meet(url, number)) for number in range(MEETINGS)]
        peers = [meeting.result() for meeting in meetings]
        assert [peer.wrong for peer in peers] == [[]] * MEETINGS
        answered = [any(np.abs(one).max() > 1_000 for one in peer.heard) for peer in peers]
        assert all(answered)
        ended = server.logged("A socket has ended")
        assert {one["reason"] for one in ended} <= {"hung_up"}
    finally:
        server.kill()


@pytest.mark.parametrize("platform", PATHS)
async def test_a_thousand_bad_messages_disturb_nobody_beside_them(platform: str) -> None:
    dialect: Dialect = PlainDialect() if platform == "plain" else AttendeeDialect("bot_bad")
    fields, kind = (PLAIN_EVENTS, "type") if platform == "plain" else (ATTENDEE_FIELDS, "trigger")

    async def bombard(rubbish: list[Message]) -> None:
        peer = SimulatedPeer(dialect, speakers=("u1",) if platform != "plain" else ("caller",))
        async with peer.dialled(stage.url + PATHS[platform]):
            with contextlib.suppress(ConnectionClosed):
                for message in rubbish:
                    await peer.send(_sendable(message))
                await asyncio.sleep(0.02)
        assert peer.close_code in (None, 1000, 1001, 1003, 1007, 1008, 1009)

    @settings(
        max_examples=1_000 // MESSAGES_A_SOCKET, deadline=None, database=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(
        rubbish=st.lists(
            messages_of(fields, kind=kind),
            min_size=MESSAGES_A_SOCKET,
            max_size=MESSAGES_A_SOCKET,
        )
    )
    def throw(rubbish: list[Message]) -> None:
        asyncio.run_coroutine_threadsafe(bombard(rubbish), loop).result(60)

    loop = asyncio.get_running_loop()
    beside = SimulatedPeer(AttendeeDialect("bot_beside"), speakers=("u1",))
    async with (
        socket_server(platforms(), runtime=FakeRuntime(slots=1_000)) as stage,
        beside.dialled(stage.url + PATHS["attendee"]),
    ):
        await until(lambda: stage.runtime.sessions, "the call beside them")
        model = stage.model
        await asyncio.to_thread(throw)
        assert not beside.ended.is_set(), beside.close_reason
        known = len(model.frames)
        await beside.say("u1", np.full(16_000, 6_000, np.int16))
        await until(lambda: any(f.speakers for f in model.frames[known:]), "its sound")


def _sendable(message: Message) -> Message:
    """No client sends half of a surrogate pair."""
    if isinstance(message, bytes):
        return message
    return message.encode("utf-8", "replace").decode()

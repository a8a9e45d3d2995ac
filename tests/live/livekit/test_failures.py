"""What breaks around a room: the server, the job, a token, a fleet without room."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from livekit import rtc

from interject.integrations.livekit.jobs.access import Access, RoomFailure, enter
from interject.integrations.livekit.jobs.dispatching import dispatch
from interject.model_runtime.protocol import Decision
from tests.live.livekit.agent import present
from tests.live.livekit.participants import person, tone
from tests.live.livekit.worker_process import working
from tests.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.livekit.server import LiveKitServer

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

WATCHED = """
system_prompt: You are a helpful assistant.
mode: observe
outputs: [posted]
room: {telemetry: true}
"""
"""Decisions go to the room, so that a test sees whether the model hears."""
LOST = "A job ended while the server was away"


async def test_the_server_is_killed_and_comes_back_and_the_agent_still_hears(
    livekit_server: LiveKitServer, nano_url: str
) -> None:
    server = livekit_server
    async with present(server, nano_url, "r") as here, person(server, "r", "ann") as ann:
        await ann.visitor.open_microphone()
        talking = asyncio.create_task(ann.visitor.play(tone(300, 200.0)))
        await until(lambda: loud_chunks(here.watch.found(Decision)), "Ann to be heard")
        await asyncio.to_thread(server.kill)
        await until(lambda: ann.found("participant_left"), "the agent to be gone")
        await asyncio.to_thread(server.start)
        await until(lambda: len(ann.found("participant_joined")) > 1, "the agent to come back")
        decided = here.watch.decided
        await until(
            lambda: loud_chunks(here.watch.found(Decision)[decided:]) > 3, "Ann to be heard again"
        )
        here.watch.assert_whole()
        assert len(here.watch.opened) == 1, "it has lost its memory"
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)


async def test_a_job_lost_while_the_server_is_away_is_replaced(
    livekit_server: LiveKitServer, tmp_path: Path
) -> None:
    """LiveKit gives a job up after some ten seconds without the server; here it is killed."""
    server = livekit_server
    watched = tmp_path / "watched.yaml"
    watched.write_text(WATCHED, encoding="utf-8")
    with working(server, tmp_path, "--profile", str(watched)) as worker:
        async with person(server, "r", "ann") as ann:
            await ann.visitor.open_microphone()
            access = Access(server.url, server.key, server.secret)
            await dispatch(access, "r", "interject")
            await until(lambda: ann.found("data", topic="interject.decision"), "decisions")
            await asyncio.to_thread(server.kill)
            os.kill(worker.logged("A track is heard")[-1]["pid"], signal.SIGKILL)
            await until(lambda: worker.logged(LOST), "the loss to be noticed")
            await asyncio.to_thread(server.start)
            before = len(ann.found("data"))
            await until(lambda: len(ann.found("data")) > before + 3, "another agent's decisions")


def loud_chunks(decisions: list[Decision]) -> int:
    return sum(any(s.level_dbfs > -40 for s in decision.speakers) for decision in decisions)


async def test_an_expired_token_is_named(shared_livekit: LiveKitServer) -> None:
    token = shared_livekit.token("late", "r", ttl=timedelta(hours=-1))
    with pytest.raises(RoomFailure, match="the token has expired; ask for a new one") as refused:
        await enter(rtc.Room(), shared_livekit.url, token)
    assert token not in str(refused.value)

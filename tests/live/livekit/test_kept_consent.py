"""What was stopped stays stopped, whatever dies: the job's process, or the server for a while."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from interject.integrations.livekit.jobs.access import Access
from interject.integrations.livekit.jobs.dispatching import dispatch
from tests.live.livekit.participants import Person, person
from tests.live.livekit.worker_process import working
from tests.waiting import PATIENCE_S, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.livekit.server import LiveKitServer
    from tests.live.livekit.worker_process import LiveKitWorker

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.timeout(400)]

ROOM = "kept"
WATCHED = """
system_prompt: You are a helpful assistant.
mode: observe
outputs: [posted]
"""


def agents(someone: Person) -> list[str]:
    present = someone.visitor.room.remote_participants
    return [identity for identity in present if identity.startswith("interject-")]


def told(someone: Person, agent: str, **attributes: str) -> list[object]:
    return list(someone.found("chat", identity=agent, attributes=attributes))


async def send(server: LiveKitServer) -> None:
    await dispatch(Access(server.url, server.key, server.secret), ROOM, "interject")


async def status(someone: Person, agent: str) -> Any:
    return await someone.visitor.call(agent, "interject.status")


async def next_agent(someone: Person, *former: str) -> str:
    """Who has come instead, once it answers."""
    await until(lambda: [one for one in agents(someone) if one not in former], "an agent")
    (agent,) = (one for one in agents(someone) if one not in former)
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with contextlib.suppress(Exception):
                await status(someone, agent)
                return agent
            await asyncio.sleep(0.1)


def kill_job(worker: LiveKitWorker) -> None:
    os.kill(worker.logged("Somebody is in the room")[-1]["pid"], signal.SIGKILL)


async def test_what_was_stopped_outlives_the_job_and_an_outage(
    livekit_server: LiveKitServer, tmp_path: Path
) -> None:
    profile = tmp_path / "watched.yaml"
    profile.write_text(WATCHED, encoding="utf-8")
    with working(livekit_server, tmp_path, "--profile", str(profile)) as worker:
        async with (
            person(livekit_server, ROOM, "ann") as ann,
            person(livekit_server, ROOM, "ben") as ben,
        ):
            await send(livekit_server)
            first = await next_agent(ann)
            await ben.visitor.call(first, "interject.stop_listening", who="me")
            kill_job(worker)
            second = await next_agent(ann, first)
            assert (await status(ann, second))["withdrawn"] == ["ben"]
            await until(lambda: told(ben, second, **{"interject.withdrawn": "true"}), "the truth")
            await until(lambda: told(ann, second, **{"interject.announcement": "true"}), "news")
            await ann.visitor.write("stop listening")
            await until(lambda: told(ann, second, **{"interject.listening": "false"}), "a stop")
            kill_job(worker)
            third = await next_agent(ann, first, second)
            assert (await status(ann, third))["listening"] is False
            await until(lambda: told(ben, third, **{"interject.listening": "false"}), "the notice")
            livekit_server.kill()
            away = "A job ended while the server was away"
            await until(lambda: worker.logged(away), "the job to give up")
            livekit_server.start()
        async with (
            person(livekit_server, ROOM, "ann") as ann,
            person(livekit_server, ROOM, "ben") as ben,
        ):
            fourth = await next_agent(ann)
            now = await status(ann, fourth)
            assert (now["listening"], now["withdrawn"]) == (False, ["ben"])
            assert told(ann, fourth, **{"interject.announcement": "true"}) == []
            await ann.visitor.write("start listening")
            await until(lambda: told(ann, fourth, **{"interject.announcement": "true"}), "news")
            await ann.visitor.write("stop listening")
            await until(lambda: told(ann, fourth, **{"interject.listening": "false"}), "a stop")
        ended = len(worker.logged("process exiting"))
        await until(lambda: len(worker.logged("process exiting")) > ended, "the room to end")
        async with person(livekit_server, ROOM, "ann") as ann:
            await send(livekit_server)
            fresh = await next_agent(ann)
            now = await status(ann, fresh)
            assert (now["listening"], now["withdrawn"]) == (True, [])

"""The worker as a user starts it: dispatch, admission, crashes of its parts, and its end."""

from __future__ import annotations

import asyncio
import os
import signal
import wave
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from interject.integrations.livekit.jobs.access import Access
from interject.integrations.livekit.jobs.dispatching import dispatch
from interject.model_runtime.redis.neighbourhood import RedisNeighbourhood
from tests.integrations.console.desk import ConsolePage, desk
from tests.live.livekit.participants import Person, person
from tests.live.livekit.worker_process import working
from tests.waiting import PATIENCE_S, until

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tests.live.livekit.server import LiveKitServer
    from tests.live.redis.server import RedisServer

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.timeout(400)]

KITCHEN = Path(__file__).parents[3] / "examples" / "kitchen.wav"
ALARM_S = (20.0, 31.0)
ALARM = "smoke alarm"
ORDER = "The stairs are on the left."
WATCHED = """
system_prompt: You are a helpful assistant.
mode: observe
outputs: [posted]
room: {telemetry: true}
"""
"""Decisions go to the room, so that a test sees whether the model hears."""


def alarm() -> NDArray[np.int16]:
    with wave.open(str(KITCHEN)) as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), np.int16)
    return samples[round(ALARM_S[0] * 16_000) : round(ALARM_S[1] * 16_000)]


def profile(folder: Path) -> str:
    path = folder / "watched.yaml"
    path.write_text(WATCHED, encoding="utf-8")
    return str(path)


async def send(server: LiveKitServer, room: str, metadata: str = "") -> None:
    await dispatch(Access(server.url, server.key, server.secret), room, "interject", metadata)


def agents(someone: Person) -> list[str]:
    """Interject's participants in the room at the moment."""
    present = someone.visitor.room.remote_participants
    return [identity for identity in present if identity.startswith("interject-")]


def decisions(someone: Person) -> int:
    return len(someone.found("data", topic="interject.decision"))


def words(someone: Person, event: str) -> str:
    return " ".join(str(found.fields["text"]) for found in someone.found(event)).lower()


async def test_a_dispatched_agent_warns_aloud(
    livekit_server: LiveKitServer, redis_server: RedisServer, tmp_path: Path
) -> None:
    options = ("--slots", "2", "--neighbours", redis_server.url)
    with working(livekit_server, tmp_path, *options) as worker:
        async with (
            aclosing(RedisNeighbourhood(redis_server.url)) as way,
            desk(way=way) as console,
            console.page() as page,
        ):
            async with (
                person(livekit_server, "kitchen", "ann") as ann,
                person(livekit_server, "kitchen", "ben") as ben,
            ):
                await send(livekit_server, "kitchen")
                await until(lambda: worker.logged("A track is heard") or agents(ann), "the agent")
                await ann.visitor.open_microphone()
                await until(lambda: worker.logged("A track is heard"), "the agent to hear Ann")
                state = await seen(page, "live", speakers=["ann", "ben"])
                assert (state["door"], state["label"]) == ("livekit", "kitchen")
                await page.follow(state["id"])
                for _ in range(3):
                    await ann.visitor.play(alarm())
                    if ALARM in words(ben, "transcription"):
                        break
                await until(lambda: ALARM in words(ben, "transcription"), "the warning's words")
                await page.next("reply", lambda m: ALARM in m["text"].lower())
                (agent,) = agents(ben)
                await until(lambda: ben.found("voice_ended", identity=agent), "the warning's sound")
                assert (
                    "Interject is listening" in ben.found("chat", identity=agent)[0].fields["text"]
                )
                said = await page.operate(state["id"], do="say", text=ORDER)
                assert said["error"] is None
                await until(lambda: ORDER.lower() in words(ben, "transcription"), "the order")
                deaf = await page.operate(state["id"], do="stop_listening")
                assert deaf["status"]["listening"] is False
            worker.kill()
            await seen(page, "lost")
        for said_there in (ALARM, ORDER.lower()):
            assert said_there not in worker.text().lower(), "the log holds what was said"


async def seen(page: ConsolePage, stage: str, **about: object) -> Any:
    def wanted(message: dict[str, Any]) -> bool:
        state = message["session"]
        return state["stage"] == stage and all(
            sorted(state[key]) == value for key, value in about.items()
        )

    return (await page.next("session", wanted))["session"]


async def test_what_cannot_be_served_is_said_and_a_full_worker_takes_no_job(
    livekit_server: LiveKitServer, tmp_path: Path
) -> None:
    options = ("--slots", "1", "--profile", profile(tmp_path))
    with working(livekit_server, tmp_path, *options) as worker:
        async with person(livekit_server, "second", "ben") as ben:
            async with person(livekit_server, "first", "ann") as ann:
                await send(livekit_server, "first", '{"profile": "meeting_assistent"}')
                await until(lambda: ann.found("chat"), "the refusal")
                assert "finds the reason in the worker's log" in words(ann, "chat")
                await until(lambda: worker.logged("process exiting"), "the job to end")
                await until(lambda: agents(ann) == [], "the agent to leave")
                (record,) = worker.logged("This room cannot be served")
                assert "meeting_assistent" in record["reason"]
                await until_served(livekit_server, "first", ann)
                await send(livekit_server, "second")
                await asyncio.sleep(2.0)
                assert agents(ben) == []
            await until_served(livekit_server, "second", ben)
            worker.terminate()
            heard = decisions(ben)
            await until(lambda: decisions(ben) > heard + 5, "the call to go on")
        assert worker.wait() == 0


async def test_a_room_that_is_dispatched_twice_has_one_agent(
    livekit_server: LiveKitServer, tmp_path: Path
) -> None:
    with working(livekit_server, tmp_path, "--slots", "4") as worker:
        async with person(livekit_server, "twice", "ann") as ann:
            await send(livekit_server, "twice")
            await until(lambda: ann.found("chat"), "the first")
            await send(livekit_server, "twice")
            told = "Another agent of this name is in the room already, so this one leaves"
            await until(lambda: worker.logged(told), "the second to leave")
            await until(lambda: worker.logged("process exiting"), "its job to end")
            await until(lambda: len(agents(ann)) == 1, "the first to stay")
            first = ann.found("chat")[0].fields["identity"]
            assert agents(ann) == [first]
            assert len(ann.found("chat")) == 1


async def until_served(server: LiveKitServer, room: str, someone: Person) -> None:
    """Ask again and again, since the slot may be given back a moment after its job has ended."""
    async with asyncio.timeout(2 * PATIENCE_S):
        while not decisions(someone):
            await send(server, room)
            await asyncio.sleep(3.0)


async def test_runtime_job_and_server_may_be_killed(
    livekit_server: LiveKitServer, tmp_path: Path
) -> None:
    """And then the model hears again, in the same room and in another one."""
    with working(livekit_server, tmp_path, "--profile", profile(tmp_path)) as worker:
        async with person(livekit_server, "r", "ann") as ann:
            await ann.visitor.open_microphone()
            await send(livekit_server, "r")
            await until_heard_again(ann, "decisions")
            os.kill(worker.runtime_pid(), signal.SIGKILL)
            await until_heard_again(ann, "decisions of another runtime")
            first = agents(ann)
            os.kill(worker.logged("A track is heard")[-1]["pid"], signal.SIGKILL)
            await until(lambda: agents(ann) not in ([], first), "another agent")
            await until(lambda: len(agents(ann)) == 1, "the dead one to be gone")
            await until_heard_again(ann, "decisions of another job")
            livekit_server.kill()
            await asyncio.sleep(1.0)
            livekit_server.start()
            await until(lambda: agents(ann), "the agent to come back")
            await until_heard_again(ann, "decisions after the server's restart")


async def until_heard_again(someone: Person, what: str) -> None:
    before = decisions(someone)
    await until(lambda: decisions(someone) > before + 3, what)

"""What an operator sees of a worker: its log without names, and its figures."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from tests.live.livekit.participants import person
from tests.live.livekit.test_worker import agents, alarm, send
from tests.live.livekit.worker_process import LiveKitWorker, working
from tests.live.redis.server import free_port
from tests.waiting import until

if TYPE_CHECKING:
    from tests.live.livekit.server import LiveKitServer

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.timeout(400)]

NAME = "marzipan"
CALLS = 3


def records(worker: LiveKitWorker) -> list[dict[str, Any]]:
    return [json.loads(line) for line in worker.text().splitlines() if line.startswith("{")]


def plain(record: dict[str, Any]) -> str:
    """All of a line but what LiveKit's exporters strip."""
    return json.dumps({k: v for k, v in record.items() if not k.startswith("lk.pii.")})


def scraped(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def figure(text: str, name: str) -> float:
    lines = [line for line in text.splitlines() if line.startswith(name)]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


async def call(server: LiveKitServer, worker: LiveKitWorker, number: int) -> None:
    """Somebody comes, writes, is answered, and goes."""
    room = f"{NAME}-{number}"
    async with person(server, room, f"{NAME}-ann") as ann:
        await send(server, room)
        await until(lambda: agents(ann), "the agent")
        await until(lambda: ann.found("chat"), "the announcement")
        await ann.visitor.open_microphone()
        await ann.visitor.play(alarm())
        await until(lambda: ann.found("transcription"), "an answer")
        await until(lambda: ann.found("voice_ended"), "its sound")
    await until(lambda: len(worker.logged("The agent leaves the room")) > number, "the end")


async def test_ordinary_calls_leave_no_names_no_errors_and_their_figures(
    livekit_server: LiveKitServer, tmp_path: Any
) -> None:
    port = free_port()
    with working(livekit_server, tmp_path, "--metrics-port", str(port)) as worker:
        for number in range(CALLS):
            await call(livekit_server, worker, number)
        text = await asyncio.to_thread(scraped, port)
        assert worker.stop() == 0
    said = [(record["message"], plain(record)) for record in records(worker)]
    assert [line for _, line in said if NAME in line] == []
    loud = [line for record, line in said if json.loads(line)["level"] in ("ERROR", "CRITICAL")]
    assert loud == []
    messages = [message for message, _ in said]
    for message in ("Somebody is in the room", "Somebody has left the room"):
        assert messages.count(message) >= CALLS, message
    assert messages.count("A reply is written") >= CALLS
    assert messages.count("A reply is heard") >= 1
    assert figure(text, "interject_livekit_replies_total") >= CALLS
    assert figure(text, "interject_livekit_departures_total") == CALLS
    assert figure(text, "interject_livekit_decision_seconds_count") > 10
    assert figure(text, "interject_livekit_first_sound_seconds_count") >= 1
    assert figure(text, "interject_livekit_rooms") == 0

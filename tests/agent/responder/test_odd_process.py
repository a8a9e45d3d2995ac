"""Against a process that is slow, broken or lying: words or the draft, and the session goes on."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry

from interject.agent.responder.answering_chat import MOST_ANSWER_CHARS
from interject.integrations.conversation.responder_metrics import ResponderMetrics
from interject.model_runtime.protocol import Cause, EndReason, ReplyEnded
from tests.agent.responder.test_responding import DRAFT, ended, posts
from tests.agent.responder.worlds import Room, room
from tests.fakes.model_server import ModelServer
from tests.fakes.runtime import Scripted
from tests.fakes.sink import FakeSink
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = Path(__file__).with_name("odd_endpoint.py")
WORDS = "On Sunday we open \u2014 at ten."
QUICK: dict[str, Any] = {"max_wait_s": 0.2}


@dataclass
class OddProcess:
    said: IO[str]
    url: str = field(init=False)

    def __post_init__(self) -> None:
        self.url = self.said.readline().strip()


@pytest.fixture(scope="module")
def process() -> Iterator[OddProcess]:
    command = [sys.executable, str(PROGRAM)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            yield OddProcess(running.stdout)
        finally:
            running.kill()


async def answered(process: OddProcess, model: str, **responder: Any) -> Room:
    """Two replies, one after another: the second shows that the first has broken nothing."""
    asked = {"model": model, "max_wait_s": 20.0, **responder}
    async with room(ModelServer(url=process.url), asked) as world:
        for count in (1, 2):
            world.gate.reply(Scripted(DRAFT), cause=Cause.MODEL)
            await ended(world, count)
    return world


@pytest.mark.parametrize(
    ("model", "responder", "outcome", "words"),
    [
        ("drip", {}, "answered", WORDS),
        ("chunked", {}, "answered", WORDS),
        ("miscounts", {}, "answered", WORDS),
        ("cut", {}, "broken_off", "On Sunday we open \u2014 "),
        ("slow", QUICK, "late", DRAFT),
        ("silent", QUICK, "late", DRAFT),
        ("zipped", {}, "failed", DRAFT),
        ("bomb", {}, "failed", DRAFT),
        ("blanks", {}, "empty", DRAFT),
        ("page", {}, "failed", DRAFT),
        ("calls", {}, "empty", DRAFT),
    ],
)
async def test_whatever_it_does_a_reply_is_whole(
    process: OddProcess, model: str, responder: dict[str, Any], outcome: str, words: str
) -> None:
    world = await answered(process, model, **responder)
    assert [note.outcome.value for note in world.watch.notes] == [outcome] * 2
    assert [text.rstrip() for text in posts(world)] == [words.rstrip()] * 2
    metrics = ResponderMetrics(CollectorRegistry())
    for note in world.watch.notes:
        metrics.answered(note)  # Which takes no number that is none.


@pytest.mark.parametrize("model", ["babbles", "torrent"])
async def test_one_that_never_ends_is_ended(process: OddProcess, model: str) -> None:
    world = await answered(process, model)
    assert all(0 < len(text) <= MOST_ANSWER_CHARS for text in posts(world))


async def test_it_learns_of_a_barge_in_in_the_middle_of_its_words(process: OddProcess) -> None:
    sink = FakeSink()
    asked = {"model": "holds", "max_wait_s": 20.0}
    async with room(ModelServer(url=process.url), asked, sink=sink) as world:
        world.gate.reply(Scripted(DRAFT), cause=Cause.MODEL)
        await until(lambda: "".join(world.voice.texts))
        await sink.play(17_600)
        assert world.session is not None
        await world.session.interrupt()
        await ended(world)
        (end,) = [one for one in world.events if isinstance(one, ReplyEnded)]
    assert end.reason is EndReason.CANCELLED
    assert end.text == "On Sunday, "
    assert await asyncio.to_thread(lambda: "left holds\n" in iter(process.said.readline, ""))
    assert [note.outcome.value for note in world.watch.notes] == ["cut"]

"""Speech ends, and whoever waits for its end goes on, wherever it is broken off."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from interject.agent.floor import Floor, FloorState
from interject.agent.speech_player import SpeechPlayer
from interject.agent.spoken_reply import SpokenReply
from interject.model_runtime.protocol import Cause, Emotion, FloorMode, ReplyStarted
from tests.fakes.sink import Trouble, TroubledSink
from tests.fakes.voice import FakeVoice

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

PATIENCE_S = 0.01
LIMIT_S = 5.0
TEXT = "One. Two."


class Reports:
    """Waits a moment in each report; from the `nth` await on it raises."""

    def __init__(self, nth: int | None = None) -> None:
        self.ended: list[tuple[int, bool]] = []
        self.awaits = 0
        self._nth = nth

    async def on_heard(self, reply: SpokenReply, *, chars: int) -> None:
        await self._step()

    async def on_spoken(self, reply: SpokenReply, *, heard_chars: int, whole: bool) -> None:
        self.ended.append((reply.started.reply_id, whole))
        await self._step()

    async def _step(self) -> None:
        await asyncio.sleep(0)
        self.awaits += 1
        if self._nth is not None and self.awaits > self._nth:
            raise ConnectionError("the runtime is gone")


def written(reply_id: int) -> SpokenReply:
    reply = SpokenReply(
        ReplyStarted("s", reply_id, 0, Emotion.NORMAL, Cause.MODEL, FloorMode.SPEAK)
    )
    reply.feed.push(TEXT)
    reply.feed.close()
    return reply


@contextlib.asynccontextmanager
async def two_replies(
    sink: TroubledSink, reports: Reports
) -> AsyncIterator[tuple[SpeechPlayer, Floor, asyncio.Task[None]]]:
    """One reply that is being said, and one that waits; leaving it takes no longer than allowed."""
    floor = Floor(FloorMode.SPEAK)
    speaking = SpeechPlayer(
        FakeVoice(samples_per_char=400), sink, floor, reports, patience_s=PATIENCE_S
    )
    async with asyncio.timeout(LIMIT_S):
        await speaking.offer(written(0))
        running = asyncio.create_task(speaking.run())
        await asyncio.sleep(0)
        await speaking.offer(written(1))
        try:
            yield speaking, floor, running
        finally:
            sink.freed.set()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def steps(count: int, until: Callable[[], bool]) -> None:
    for _ in range(count):
        if until():
            return
        await asyncio.sleep(0)


async def test_a_cut_that_is_cancelled_at_any_await_leaves_nothing_half_done() -> None:
    finished_by_itself = False
    for at in range(60):
        sink, reports = TroubledSink(), Reports()
        async with two_replies(sink, reports) as (speaking, floor, running):
            await steps(4, lambda: sink.awaits > 0)  # noqa: B023
            cutting = asyncio.create_task(speaking.cut())
            await steps(at, cutting.done)
            finished_by_itself = cutting.done()
            cutting.cancel()
            await asyncio.gather(cutting, return_exceptions=True)
            await speaking.drop_waiting()
            await speaking.cut()
            speaking.close()
            await running
        assert floor.state is FloorState.LISTENING
        assert sorted(reply_id for reply_id, _ in reports.ended) == [0, 1]
        if finished_by_itself:
            return
    raise AssertionError("the cut was never carried out")


async def test_speech_that_is_cancelled_at_any_await_lets_everybody_go_on() -> None:
    finished_by_itself = False
    for at in range(200):
        sink, reports = TroubledSink(), Reports()
        async with two_replies(sink, reports) as (speaking, floor, running):
            cutting = asyncio.create_task(speaking.cut())
            speaking.close()
            await steps(at, running.done)
            finished_by_itself = running.done()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await cutting
            await speaking.cut()
        assert floor.state is FloorState.LISTENING
        if finished_by_itself:
            return
    raise AssertionError("the speech never ended")


@pytest.mark.parametrize("trouble", list(Trouble))
@pytest.mark.parametrize("cut", [True, False])
async def test_a_sink_that_fails_at_any_call_holds_nobody_up(trouble: Trouble, cut: bool) -> None:
    nth, undisturbed = 0, False
    while not undisturbed:
        sink, reports = TroubledSink(trouble, nth=nth), Reports()
        async with two_replies(sink, reports) as (speaking, floor, running):
            if cut:
                await steps(nth, lambda: sink.awaits >= nth)  # noqa: B023
                await speaking.cut()
            speaking.close()
            await running
        assert floor.state is FloorState.LISTENING
        assert [reply_id for reply_id, _ in reports.ended] == [0, 1]
        undisturbed = sink.awaits <= nth
        assert undisturbed is all(whole for _, whole in reports.ended) or cut
        nth += 1


async def test_a_report_that_fails_ends_the_speech_and_whoever_waits_for_it() -> None:
    nth, failed = 0, True
    while failed:
        sink, reports = TroubledSink(), Reports(nth)
        async with two_replies(sink, reports) as (speaking, floor, running):
            cutting = asyncio.create_task(speaking.cut())
            speaking.close()
            (outcome,) = await asyncio.gather(running, return_exceptions=True)
            await cutting
        failed = outcome is not None
        assert not failed or isinstance(outcome, ConnectionError)
        assert floor.state is FloorState.LISTENING
        nth += 1


async def test_sound_that_stands_still_with_its_stream_is_not_given_up() -> None:
    sink, reports = TroubledSink(Trouble.HANGS), Reports()
    async with two_replies(sink, reports) as (speaking, floor, running):
        await asyncio.sleep(5 * PATIENCE_S)
        assert floor.state is FloorState.HOLDING
        sink.freed.set()
        speaking.close()
        await running
    assert reports.ended == [(0, True), (1, True)]

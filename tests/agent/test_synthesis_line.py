"""Whose clause is synthesised next, and how one is given up."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from interject.agent.voice import VoiceFailure
from interject.agent.voice.neural.network_file import Stopped, StopSwitch
from interject.agent.voice.neural.synthesis_line import (
    MOST_WAITING,
    WHEN_IDLE_S,
    SynthesisLine,
)

if TYPE_CHECKING:
    from collections.abc import Callable


class Work:
    """Jobs that note when they run; the first holds the line until it is let go."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.holding = threading.Event()
        self.go_on = threading.Event()
        self.line = SynthesisLine("test", threads=1)

    def hold(self, stop: StopSwitch) -> str:
        stop.ends(self.go_on.set)
        self.holding.set()
        assert self.go_on.wait(10)
        if stop.is_set:
            self.order.append("stopped")
            raise Stopped
        return "held"

    def job(self, name: str) -> Callable[[StopSwitch], str]:
        def run(stop: StopSwitch) -> str:
            self.order.append(name)
            return name

        return run

    async def begin(self, due_s: float = 0.0) -> asyncio.Task[str]:
        held = asyncio.create_task(self.line.run(due_s, self.hold))
        assert await asyncio.to_thread(self.holding.wait, 10)
        return held


async def test_what_is_needed_first_goes_first() -> None:
    work = Work()
    held = await work.begin()
    names = {"second clause": 5.0, "idle": WHEN_IDLE_S, "first": 1.0, "as urgent": 1.0}
    waiting = [asyncio.create_task(work.line.run(due, work.job(n))) for n, due in names.items()]
    await asyncio.sleep(0)
    work.go_on.set()
    assert await asyncio.gather(held, *waiting) == ["held", *names]
    assert work.order == ["first", "as urgent", "second clause", "idle"]


async def test_a_job_that_runs_is_stopped_and_one_that_waits_is_not_begun() -> None:
    work = Work()
    held = await work.begin()
    waiting = asyncio.create_task(work.line.run(1.0, work.job("never")))
    await asyncio.sleep(0)
    for task in (waiting, held):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await work.line.run(2.0, work.job("next")) == "next"
    assert work.order == ["stopped", "next"]


async def test_idle_work_makes_room_for_somebody_who_waits() -> None:
    work = Work()
    idle = work.line.submit(WHEN_IDLE_S, work.hold)
    assert await asyncio.to_thread(work.holding.wait, 10)
    assert await work.line.run(1.0, work.job("somebody")) == "somebody"
    assert work.order == ["stopped", "somebody"]
    assert idle.exception(10) is not None


async def test_a_line_that_is_full_says_so_and_lives_on() -> None:
    work = Work()
    held = await work.begin()
    line = [work.line.submit(1.0, work.job(str(i))) for i in range(MOST_WAITING)]
    with pytest.raises(VoiceFailure, match="too slow"):
        work.line.submit(1.0, work.job("one more"))
    work.go_on.set()
    await held
    assert line[-1].result(10) == str(MOST_WAITING - 1)


async def test_what_fails_fails_for_who_asked_alone() -> None:
    def broken(stop: StopSwitch) -> str:
        raise VoiceFailure("it broke")

    line = SynthesisLine("test", threads=1)
    with pytest.raises(VoiceFailure, match="it broke"):
        await line.run(0.0, broken)
    assert await line.run(0.0, Work().job("next")) == "next"

"""Items tick themselves when the model says so, whatever the floor lets be heard."""

from __future__ import annotations

from typing import Any

import pytest

from interject.agent import AgentSession, CollectingOutput, Spoken
from interject.agent.cues.checklist import ChecklistItem, ChecklistUpdate
from interject.agent.cues.pipeline import CuePipeline
from interject.agent.cues.summary import CallSummary
from interject.agent.cues.tagged_runtime import TaggedReply
from interject.agent.floor import Verdict
from interject.config import Profile
from interject.model_runtime.protocol import Cause, Emotion, EndReason, FloorMode, ReplyStarted
from tests.agent.test_session import silence, until
from tests.fakes.runtime import Cancelled, FakeRuntime, Scripted
from tests.fakes.voice import FakeVoice

CHECKLIST = {"form": "<{item}!>", "items": {"greeting": "Greets by name", "consent": "Asks first"}}
GREETED = Scripted("<greeting!>")


def profile(**changes: Any) -> Profile:
    given = {"name": "test", "system_prompt": "listen", "checklist": CHECKLIST, **changes}
    return Profile.model_validate(given)


def pipeline(**changes: Any) -> CuePipeline:
    return CuePipeline(profile(**changes), "call", lambda: ["ann"], wall_clock=lambda: 1_000.0)


def replied(cues: CuePipeline, *done: str, chunk: int = 9, cause: Cause = Cause.MODEL) -> Any:
    started = ReplyStarted("s", 1, chunk, Emotion.NORMAL, cause, FloorMode.ASSIST)
    ended = TaggedReply("s", 1, EndReason.COMPLETE, "", 3, (), done)
    return next(cues.replied(started, ended, Verdict.SHOW), None)


def test_each_tick_tells_the_whole_list_with_its_time_and_proof() -> None:
    cues = pipeline()
    (first,) = cues.begin()
    assert isinstance(first, ChecklistUpdate)
    assert first.open == ("Greets by name", "Asks first")
    update = replied(cues, "greeting", chunk=9)
    assert (update.call, update.identities, update.ticked) == ("call", ("ann",), ("greeting",))
    assert update.items == (
        ChecklistItem("greeting", "Greets by name", True, chunk=9, at_s=4.0, time=1_000.0),
        ChecklistItem("consent", "Asks first"),
    )
    assert replied(cues, "greeting", chunk=30) is None, "the first proof stays"
    assert replied(cues, "greeting", "consent").ticked == ("consent",)


def test_what_is_open_at_the_end_is_told_and_a_profile_without_a_list_tells_nothing() -> None:
    cues = pipeline()
    replied(cues, "consent")
    last, _summary = cues.finish()
    assert isinstance(last, ChecklistUpdate)
    assert (last.over, last.open) == (True, ("Greets by name",))
    without = pipeline(checklist={})
    (summary,) = (*without.begin(), *without.finish())
    assert isinstance(summary, CallSummary)


def test_the_end_is_told_to_those_who_were_there_last() -> None:
    present = ["ann"]
    cues = CuePipeline(profile(), "call", lambda: present)
    list(cues.begin())
    present.clear()
    last, summary = cues.finish()
    assert isinstance(last, ChecklistUpdate)
    assert isinstance(summary, CallSummary)
    assert last.identities == summary.identities == ("ann",)


def test_words_that_were_put_into_the_model_s_mouth_prove_nothing() -> None:
    assert replied(pipeline(), "greeting", cause=Cause.SAY) is None


class Ticks:
    """A `ReplyWatcher` that keeps what replies say has happened."""

    def __init__(self) -> None:
        self.done: list[tuple[str, ...]] = []

    def started(self, started: ReplyStarted, verdict: Verdict) -> None:
        pass

    def ended(self, started: ReplyStarted, ended: Any, verdict: Verdict) -> None:
        self.done.append(ended.done)


@pytest.mark.parametrize("stop_replies", [[], ["I will stop listening."]])
async def test_a_tick_beyond_the_cap_counts_and_one_within_it_costs_nothing(
    stop_replies: list[str],
) -> None:
    runtime, ticks, output = FakeRuntime(), Ticks(), CollectingOutput()
    limited = profile(
        mode="speak",
        reply={"unprompted_per_minute": 1},
        room={"stop_replies": stop_replies},
    )
    async with AgentSession(
        runtime, limited, voice=FakeVoice(), watcher=ticks, outputs=[output]
    ) as session:
        fake = runtime.sessions[0]
        for text in ("<greeting!>", "Good morning.", "<consent!>", "And this is too much."):
            fake.reply(Scripted(text), cause=Cause.MODEL)
        await until(lambda: len(ticks.done) == 4)
        await session.finish()
    assert ticks.done == [("greeting",), (), ("consent",), ()]
    (spoken,) = output.events
    assert isinstance(spoken, Spoken)
    assert spoken.text == "Good morning."
    assert Cancelled(3, 0) in fake.cancelled
    assert Cancelled(2, 0) not in fake.cancelled, "the model remembers that it ticked it"


async def test_whoever_stopped_the_listening_is_ticked_nothing_any_more() -> None:
    runtime, ticks = FakeRuntime(), Ticks()
    async with AgentSession(runtime, profile(), voice=FakeVoice(), watcher=ticks) as session:
        await session.push_audio(silence(), 0.0)
        session.stop_listening()
        runtime.sessions[0].reply(GREETED, cause=Cause.MODEL)
        await until(lambda: len(ticks.done) == 1)
        session.resume_listening()
        runtime.sessions[0].reply(GREETED, cause=Cause.MODEL)
        await until(lambda: len(ticks.done) == 2)
        await session.stop()
    assert ticks.done == [(), ("greeting",)]

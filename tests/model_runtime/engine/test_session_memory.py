"""Whatever is typed, said and heard fits into a slot, and what is full holds up nobody else."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from interject.model_runtime.engine.context_budget import ContextBudget, least_context
from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.engine.ledger import Eviction, Span, SpanKind
from interject.model_runtime.engine.scheduler import StepLimits
from interject.model_runtime.engine.snapshot import SavedSession
from interject.model_runtime.protocol import (
    Closed,
    Decision,
    Emotion,
    Frame,
    ReplyEnded,
    ReplyStarted,
    RuntimeFailure,
    Sampling,
    SessionOptions,
)
from tests.model_runtime.engine.engine_room import Room
from tests.model_runtime.worlds import frames, noise, small_model

CONTEXT = 512
BUDGET = ContextBudget(CONTEXT)
LEAST_CONTEXT = least_context(small_model().config.tower)
SOUND = frames(noise(40.0))
TALKATIVE = Sampling(temperature=1.0, repetition_window=0)
MANY_STEPS = 2_000


def talk(room: Room, sound: list[Frame], *, name: str = "a") -> None:
    """Until there is nothing to do; in vain when there always is."""
    for frame in sound:
        room.engine.push(name, frame)
        settle(room)


def settle(room: Room) -> None:
    for _ in range(MANY_STEPS):
        if not room.engine.step():
            return
    raise AssertionError(f"not done after {MANY_STEPS} steps")


def unfed(room: Room, name: str = "a") -> int:
    """Positions that the ledger has and the slot has not; more than there are places is none."""
    memory = room.engine._streams[name].memory
    assert memory.ledger.length <= room.engine.kv_cache.context
    return memory.ledger.length - room.engine.kv_cache.lengths[memory.slot]


@pytest.mark.parametrize("eviction", list(Eviction))
@pytest.mark.parametrize("prompt", [50, 75, BUDGET.span])
def test_long_turns_with_long_answers_fit_at_any_time(eviction: Eviction, prompt: int) -> None:
    for silent_chunks in range(0, 16, 3):
        room = Room(context=CONTEXT, eviction=eviction)
        room.open(
            prompt_ids=tuple(range(prompt)),
            threshold=1.0,
            max_reply_tokens=BUDGET.text,
            sampling=TALKATIVE,
        )
        room.engine.text_turn("a", "x" * BUDGET.text, answer=True)
        settle(room)
        talk(room, SOUND[:silent_chunks])
        room.engine.text_turn("a", "y" * BUDGET.text, answer=True)
        room.engine.say("a", "z" * BUDGET.text, Emotion.NORMAL)
        room.engine.text_turn("a", "y" * BUDGET.text, answer=False)
        settle(room)
        talk(room, SOUND[silent_chunks : silent_chunks + 2])
        assert room.engine.session_ids == ("a",), "nothing went wrong"
        assert len(room.of(ReplyEnded)) == 3
        assert len(room.of(Decision)) == silent_chunks + 2
        assert unfed(room) == 0


def test_no_prompt_makes_a_slot_full_for_ever() -> None:
    """Half a slot was one turn that never left, and a third was the prompt."""
    room = Room(context=CONTEXT, eviction=Eviction.EXACT, limits=StepLimits(recompute=8))
    for name in "ab":
        room.open(
            name,
            prompt_ids=tuple(range(75)),
            threshold=1.0,
            max_reply_tokens=BUDGET.text,
            sampling=TALKATIVE,
        )
        room.engine.text_turn(name, "x" * BUDGET.text, answer=True)
    settle(room)
    for frame in SOUND:
        for name in "ab":
            room.engine.push(name, frame)
        settle(room)
    assert len(room.of(Decision, "a")) == len(room.of(Decision, "b")) == len(SOUND)


def test_refills_take_turns() -> None:
    """Whoever has much to be filled, and has waited longest, lets another be filled."""
    room = Room(context=CONTEXT, eviction=Eviction.EXACT, limits=StepLimits(recompute=4))
    for name, heard_s in (("a", 4.0), ("b", 0.4)):
        room.open(name, threshold=1.0)
        room.engine.say(name, "one two", Emotion.NORMAL)
        room.hear(heard_s, name=name)
    for name in "ab":
        room.engine.push(name, SOUND[10])
        room.engine.cancel(name, 0, 3)
        room.now += 1.0
    while len(room.of(Decision, "b")) < 2:
        assert room.engine.step()
    assert room.engine._streams["a"].memory.unfilled > 80
    settle(room)
    assert len(room.of(Decision, "a")) == 11


def test_an_answer_longer_than_what_is_left_goes_on_after_an_eviction() -> None:
    """What stays is computed in pieces: another session decides between two of them."""
    room = Room(context=256, eviction=Eviction.EXACT, limits=StepLimits(recompute=8))
    for name in "ab":
        room.open(name, threshold=1.0, max_reply_tokens=60, sampling=TALKATIVE)
    for frame in SOUND:
        if room.engine._streams["a"].memory.room < 60:
            break
        talk(room, [frame])
    before = room.engine.evictions("a")
    room.engine.answer_now("a")
    while room.engine.evictions("a") == before:
        assert room.engine.step()
    assert room.engine._streams["a"].conversation.reply is not None
    assert room.engine._streams["a"].memory.unfilled > 8
    room.engine.push("b", SOUND[0])
    room.engine.step()
    assert room.of(Decision, "b")
    settle(room)
    assert room.of(ReplyEnded)[0].token_count == 60


@pytest.mark.parametrize("context", [1, 16, LEAST_CONTEXT - 1])
def test_a_slot_too_small_for_a_session_is_refused(context: int) -> None:
    engine = Engine(small_model(context), slots=1)
    reason = f"this model remembers {context} positions, a session takes at least {LEAST_CONTEXT}"
    with pytest.raises(RuntimeFailure, match=reason):
        engine.open(SessionOptions("a", prompt_ids=(1,)), lambda event: None)
    with pytest.raises(RuntimeFailure, match=reason):
        engine.open_clip(SessionOptions("a"), torch.zeros(6400), "What?", lambda event: None)
    assert engine.kv_cache.free_slots == 1


@pytest.mark.parametrize("eviction", list(Eviction))
def test_the_smallest_slot_has_room_for_everything(eviction: Eviction) -> None:
    budget = ContextBudget(LEAST_CONTEXT)
    room = Room(context=LEAST_CONTEXT, eviction=eviction)
    room.open(prompt_ids=tuple(range(budget.span)), threshold=0.6, max_reply_tokens=budget.text)
    for number, frame in enumerate(SOUND[:40]):
        room.engine.text_turn("a", "x" * budget.text, answer=number % 2 == 0)
        room.engine.say("a", "y" * budget.text, Emotion.NORMAL)
        talk(room, [frame])
    assert room.engine.session_ids == ("a",)
    assert len(room.of(Decision)) == 40
    assert len(room.of(ReplyStarted)) >= 60
    assert unfed(room) == 0


@pytest.mark.parametrize("eviction", list(Eviction))
def test_a_clip_that_fills_its_slot_leaves_when_more_is_asked(eviction: Eviction) -> None:
    room = Room(context=256, eviction=eviction)
    room.events["a"] = []
    clip = torch.from_numpy(noise(6.7).astype("float32") / 32768)
    options = SessionOptions("a", threshold=1.0, max_reply_tokens=60, sampling=TALKATIVE)
    room.engine.open_clip(options, clip, "What?", room.events["a"].append)
    room.engine.text_turn("a", "x" * 60, answer=True)
    for frame in SOUND[:3]:
        room.engine.push("a", frame)
    settle(room)
    assert len(room.of(ReplyEnded)) == 2
    assert len(room.of(Decision)) == 3
    assert isinstance(room.events["a"][-1], Closed)


def test_a_clip_s_prompt_is_bounded() -> None:
    engine = Engine(small_model(256), slots=1)
    with pytest.raises(
        RuntimeFailure, match="the system prompt has 75 tokens, this model takes 64"
    ):
        engine.open_clip(
            SessionOptions("a", system_prompt="x" * 70),
            torch.zeros(6400),
            "What?",
            lambda event: None,
        )


def test_a_snapshot_with_spans_of_any_length_goes_on() -> None:
    """Turn and answer were one span once, and the last token of a cut reply was carried along."""
    room = Room(context=CONTEXT, eviction=Eviction.EXACT)
    options = SessionOptions("a", prompt_ids=tuple(range(75)), max_reply_tokens=BUDGET.text)
    room.engine.open(options, lambda event: None)
    settle(room)
    old = replace(
        room.engine.snapshot("a"),
        spans=(
            *room.engine.snapshot("a").spans,
            Span(SpanKind.REPLY, [5] * 400, reply_id=0),
        ),
        pending_ids=(7, room.config.layout.text_end),
        reply_count=1,
    )
    room.engine.abandon("a")
    restoration = room.engine.restore(options, SavedSession(old, (), ()))
    restoration.run()
    room.events["a"] = []
    room.engine.join(restoration, room.events["a"].append, lambda deed: None)
    room.engine.text_turn("a", "x" * BUDGET.text, answer=True)
    talk(room, SOUND[:20])
    assert len(room.of(Decision)) == 20
    assert room.engine.session_ids == ("a",)


def test_a_snapshot_longer_than_a_slot_is_refused() -> None:
    engine = Engine(small_model(256), slots=1, eviction=Eviction.EXACT)
    options = SessionOptions("a", prompt_ids=(1, 2))
    engine.open(options, lambda event: None)
    old = replace(engine.snapshot("a"), spans=(Span(SpanKind.PREFIX, [1] * 257),))
    engine.abandon("a")
    restoration = engine.restore(options, SavedSession(old, (), ()))
    with pytest.raises(RuntimeFailure, match="cannot be done again"):
        restoration.run()

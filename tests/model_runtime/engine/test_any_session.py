"""Whatever a session is told, in whatever order: it fits into its slot, it goes on, and no other
session notices.

`INTERJECT_EXAMPLES=2000` tries more of them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import pytest
import torch
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from interject.model_runtime.engine.context_budget import ContextBudget, least_context
from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.engine.forward import forward
from interject.model_runtime.engine.ledger import Eviction
from interject.model_runtime.engine.scheduler import StepLimits
from interject.model_runtime.engine.snapshot import SavedSession
from interject.model_runtime.network.architecture import TowerShape
from interject.model_runtime.network.backend import TorchBackend
from interject.model_runtime.protocol import (
    Decision,
    Emotion,
    Event,
    Frame,
    ReplyEnded,
    Sampling,
    SessionOptions,
)
from interject.model_runtime.rounding import assert_same, model_terms
from tests.fakes.late_backend import LateBackend
from tests.model_runtime.alike import assert_same_decisions
from tests.model_runtime.engine.resting import assert_only_idle_rest
from tests.model_runtime.worlds import SMALL_CONDITION, frames, noise, small_model

if TYPE_CHECKING:
    from interject.model_runtime.engine.journal import JournalEntry
    from interject.model_runtime.engine.snapshot import Snapshot
    from interject.model_runtime.engine.stream import Stream

EXAMPLES = int(os.environ.get("INTERJECT_EXAMPLES", "15"))
MODELS = tuple(
    (context, grouping)
    for grouping in (1, 5)
    for least in (least_context(TowerShape(grouping=grouping)),)
    for context in (least, least + 3, 100, 256)
)
"""Positions of a slot, and how many embeddings are put together."""
ALONE_CHUNKS = 60
REFILL_STEPS = 20


@cache
def sound() -> list[Frame]:
    return frames(noise(60.0, 11))


def bystander() -> SessionOptions:
    return SessionOptions("b", prompt_ids=(1, 2, 3), threshold=1.0)


@cache
def alone(shape: tuple[int, int], eviction: Eviction) -> list[Decision]:
    """What the bystander decides when there is nobody else."""
    context, grouping = shape
    engine = Engine(small_model(context, grouping=grouping), slots=1, eviction=eviction)
    events: list[Event] = []
    engine.open(bystander(), events.append)
    for frame in sound()[:ALONE_CHUNKS]:
        engine.push("b", frame)
        while engine.step():
            pass
    return decisions(events)


def decisions(events: list[Event]) -> list[Decision]:
    return [event for event in events if isinstance(event, Decision)]


@dataclass
class Notes:
    """What a worker would have saved of the session."""

    snapshot: Snapshot | None = None
    journal: list[JournalEntry] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)

    def save(self, engine: Engine) -> None:
        self.snapshot = engine.snapshot("a")
        self.journal.clear()
        self.frames = [f for f in self.frames if f.seq >= self.snapshot.audio_cursor.next_seq]


class AnySession(RuleBasedStateMachine):
    """`a` is told anything at all; `b` hears a chunk now and then."""

    @initialize(
        shape=st.sampled_from(MODELS),
        eviction=st.sampled_from(Eviction),
        data=st.data(),
        threshold=st.sampled_from([0.0, 0.6, 1.0]),
        temperature=st.sampled_from([0.0, 3.0]),
        backend=st.sampled_from([TorchBackend, LateBackend]),
        limits=st.sampled_from([None, StepLimits(recomputed_slots=2, overlap=0)]),
    )
    def begin(
        self,
        shape: tuple[int, int],
        eviction: Eviction,
        data: st.DataObject,
        threshold: float,
        temperature: float,
        backend: type[TorchBackend],
        limits: StepLimits | None,
    ) -> None:
        self.shape, (context, grouping) = shape, shape
        self.budget, self.eviction = ContextBudget(context), eviction
        prompt = data.draw(st.integers(1, self.budget.span), "prompt")
        self.options = SessionOptions(
            "a",
            prompt_ids=tuple(range(prompt)),
            threshold=threshold,
            max_reply_tokens=data.draw(st.integers(1, self.budget.text + 9), "longest reply"),
            sampling=Sampling(temperature=temperature, repetition_window=0),
        )
        self.events: list[Event] = []
        self.others: list[Event] = []
        self.notes = Notes()
        self.heard = self.heard_by_other = 0
        model = small_model(context, grouping=grouping)
        self.engine = Engine(
            model, slots=3, eviction=eviction, backend=backend, limits=limits, restorable=True
        )
        self.engine.open(bystander(), self.others.append)
        self.engine.open(self.options, self.events.append)
        self.engine.attach_journal("a", self.notes.journal.append)

    @property
    def stream(self) -> Stream:
        return self._named("a")

    def _named(self, name: str) -> Stream:
        """Without waking it."""
        return self.engine._streams._streams[name]

    # What is heard and asked for

    @rule(chunks=st.sampled_from([1, 1, 2, 5, 20]))
    def hear(self, chunks: int) -> None:
        for _ in range(chunks):
            pcm = sound()[self.heard % len(sound())]
            frame = Frame(self.heard, self.heard * 0.4, pcm.pcm, pcm.lookahead)
            self.engine.push("a", frame)
            self.notes.frames.append(frame)
            self.heard += 1
        if self.heard_by_other < ALONE_CHUNKS:
            self.engine.push("b", sound()[self.heard_by_other])
            self.heard_by_other += 1

    @rule(share=st.sampled_from([0.0, 0.3, 1.0]), answer=st.booleans())
    def type(self, share: float, answer: bool) -> None:
        self.engine.text_turn("a", self._text(share), answer=answer)

    @rule(share=st.sampled_from([0.0, 0.3, 1.0]), emotion=st.sampled_from(Emotion))
    def say(self, share: float, emotion: Emotion) -> None:
        self.engine.say("a", self._text(share), emotion)

    @rule()
    def answer_now(self) -> None:
        self.engine.answer_now("a")

    @rule(back=st.sampled_from([1, 1, 1, 2, 4, 0, -1]), chars=st.sampled_from([0, 1, 5, 1000]))
    def cancel(self, back: int, chars: int) -> None:
        self.engine.cancel("a", self.stream.conversation.reply_count - back, chars)

    @rule(back=st.integers(1, 3), chars=st.integers(0, 30))
    def played(self, back: int, chars: int) -> None:
        self.engine.heard("a", self.stream.conversation.reply_count - back, chars)

    @rule(threshold=st.sampled_from([0.0, 0.6, 1.0]))
    def update(self, threshold: float) -> None:
        self.engine.update("a", threshold=threshold, mode=None)

    def _text(self, share: float) -> str:
        return "x" * max(1, round(share * self.budget.text))

    # What the engine does about it

    @rule(steps=st.sampled_from([1, 2, 3, 7, 30]))
    def step(self, steps: int) -> None:
        for _ in range(steps):
            self._step()

    @rule()
    def settle(self) -> None:
        asked = len(self.stream.requests) + len(self.stream.audio.chunks) + 1
        most_steps = 200 + 2 * asked * (self.budget.text + 2 * REFILL_STEPS)
        for _ in range(most_steps):
            if not self._step():
                return
        raise AssertionError(f"not done after {most_steps} steps")

    def _step(self) -> bool:
        worked = self.engine.step()
        self.all_fits()
        return worked

    @rule()
    def save(self) -> None:
        """Workers do so when spans were evicted; the journal must be as good without."""
        self.notes.save(self.engine)

    @rule()
    def go_on_elsewhere(self) -> None:
        """The session begins again with the last snapshot and the journal since."""
        notes = self.notes
        self.engine.snapshot("a")
        waiting = {chunk.frame.seq for chunk in self.stream.audio.chunks}
        before = self.stream.snapshot()
        self.engine.abandon("a")
        known = SavedSession(notes.snapshot, tuple(notes.journal), tuple(notes.frames))
        restoration = self.engine.restore(self.options, known)
        restoration.run()
        self.engine.join(restoration, self.events.append, notes.journal.append)
        after = self.stream.snapshot()
        assert [s.ids for s in after.spans] == [s.ids for s in before.spans]
        assert after.pending_ids == before.pending_ids
        assert after.evictions == before.evictions
        assert {chunk.frame.seq for chunk in self.stream.audio.chunks} == waiting

    # What holds at all times

    @invariant()
    def all_fits(self) -> None:
        memory = self.engine.kv_cache
        assert self.engine.session_ids in (("b", "a"), ("a", "b")), "nobody failed"
        for name in "ab":
            own = self._named(name).memory
            assert own.ledger.length == sum(span.length for span in own.ledger.spans)
            filled = memory.lengths[own.slot] + own.unfilled
            in_flight = self._named(name) in self.engine._batcher._busy
            assert filled <= memory.context if in_flight else filled == own.ledger.length
            assert own.ledger.length <= memory.context
            assert all(span.length <= self.budget.span for span in own.ledger.spans)
        assert self.stream.replying or len(self.stream.conversation.pending_ids) <= 1

    @invariant()
    def who_rests_wants_nothing(self) -> None:
        assert_only_idle_rest(self.engine)

    @invariant()
    def replies_are_held_as_far_as_they_were_heard(self) -> None:
        for span in self.stream.memory.ledger.spans:
            history = self.stream.conversation.history
            reply = None if span.reply_id is None else history.get(span.reply_id)
            if reply is not None and reply.tokens:
                assert span.ids[-len(reply.tokens) :] == reply.tokens

    def teardown(self) -> None:
        if not hasattr(self, "engine"):
            return
        self.settle()
        wanted = alone(self.shape, self.eviction)[: self.heard_by_other]
        assert_same_decisions(decisions(self.others), wanted, self.engine.model.config)
        ends = [e.reply_id for e in self.events if isinstance(e, ReplyEnded)]
        assert set(ends) == set(range(self.stream.conversation.reply_count))
        if self.eviction is Eviction.EXACT:
            self.slot_is_what_the_ledger_says()

    @torch.inference_mode()
    def slot_is_what_the_ledger_says(self) -> None:
        own, memory = self.stream.memory, self.engine.kv_cache
        fresh = memory.allocate()
        assert fresh is not None
        forward(self.engine._backend, [(fresh, own.ledger.contents())])
        terms = model_terms(self.engine.model.config)
        for store in (memory.keys, memory.values):
            held, anew = (store[:, slot, : own.ledger.length] for slot in (own.slot, fresh))
            assert_same(held, anew, terms=terms, condition=SMALL_CONDITION)


@pytest.mark.timeout(60 + 2 * EXAMPLES)
def test_any_session() -> None:
    run_state_machine_as_test(
        AnySession,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

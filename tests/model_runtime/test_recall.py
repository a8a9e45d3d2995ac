"""A session that is killed and taken up by another engine goes on as if nothing had happened."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interject.model_runtime.engine import Engine
from interject.model_runtime.ledger import Eviction
from interject.model_runtime.protocol import (
    CloseReason,
    Emotion,
    Event,
    FloorMode,
    Frame,
    Gap,
    SessionOptions,
)
from interject.model_runtime.recall import Recollection
from tests.model_runtime.test_engine import outline
from tests.model_runtime.worlds import frames, noise, small_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.model_runtime.recall import AnyDeed, Snapshot

OPTIONS = SessionOptions("a", prompt_ids=tuple(range(20)), threshold=0.6, max_reply_tokens=9)


@dataclass
class Witness:
    """Keeps what a worker would have saved: frames, events, the journal, a snapshot."""

    events: list[Event] = field(default_factory=list)
    journal: list[AnyDeed] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    snapshot: Snapshot | None = None
    evictions: int = 0

    def begin(self) -> Engine:
        engine = Engine(small_model(256), slots=2, eviction=Eviction.EXACT)
        engine.open(OPTIONS, self.events.append)
        engine.report("a", self.journal.append)
        return engine

    def keep(self, engine: Engine, *, at_once: bool = False) -> None:
        """After each step: on an eviction a snapshot replaces the journal."""
        if at_once or engine.evictions("a") > self.evictions:
            self.evictions = engine.evictions("a")
            self.snapshot = engine.snapshot("a")
            self.journal.clear()
            first = self.snapshot.ear.next_seq
            self.frames = [frame for frame in self.frames if frame.seq >= first]

    def take_over(self) -> Engine:
        """Another engine, whose slots are not those of the first."""
        engine = Engine(small_model(256), slots=3, eviction=Eviction.EXACT)
        engine.open(SessionOptions("other"), lambda event: None)
        known = Recollection(self.snapshot, tuple(self.journal), tuple(self.frames))
        engine.restore(OPTIONS, known, self.events.append, self.journal.append)
        self.evictions = 0
        return engine


def controls(frame: int, engine: Engine) -> None:
    """What a client does while it speaks; the same in every run."""
    at: dict[int, Callable[[], None]] = {
        3: lambda: engine.say("a", "Mind the step, Zoë!", Emotion.URGENT),
        9: lambda: engine.text_turn("a", "Just so you know.", answer=False),
        14: lambda: engine.text_turn("a", "What is that?", answer=True),
        21: lambda: engine.cancel("a", 0, 4),
        26: lambda: engine.answer_now("a"),
        28: lambda: engine.update("a", threshold=0.3, mode=FloorMode.ASSIST),
        32: lambda: engine.heard("a", 3, 5),
        34: lambda: engine.cancel("a", 3, 2),
    }
    at.get(frame, lambda: None)()


def run(sound: list[Frame], *, kills: frozenset[int], drain: frozenset[int]) -> list[Event]:
    """Kill the engine after the given steps; at those in `drain` it saves a snapshot first."""
    witness = Witness()
    engine = witness.begin()
    steps = 0
    for number, frame in enumerate(sound):
        controls(number, engine)
        engine.push("a", frame)
        witness.frames.append(frame)
        while engine.step():
            steps += 1
            witness.keep(engine, at_once=steps in drain)
            if steps in kills:
                engine = witness.take_over()
    engine.close("a", CloseReason.CLIENT)
    return witness.events


def heard() -> list[Frame]:
    """Fourteen seconds with a hole, long enough to fill the slot."""
    sound = frames(noise(14.0, seed=3))
    return [frame for frame in sound if frame.seq not in (17, 18)]


@pytest.fixture(scope="module")
def undisturbed() -> list[Event]:
    events = run(heard(), kills=frozenset(), drain=frozenset())
    assert [e.first_seq for e in events if isinstance(e, Gap)] == [17]
    return events


steps_of_a_run = st.frozensets(st.integers(1, 180), min_size=1, max_size=4)


@settings(max_examples=6, deadline=None)
@given(kills=steps_of_a_run, drain=st.frozensets(st.integers(1, 180), max_size=3))
def test_killed_anywhere_it_goes_on_the_same(
    undisturbed: list[Event], kills: frozenset[int], drain: frozenset[int]
) -> None:
    assert outline(run(heard(), kills=kills, drain=drain)) == outline(undisturbed)


def test_killed_after_every_step() -> None:
    sound = heard()[:8]
    every = frozenset(range(1000))
    calm = run(sound, kills=frozenset(), drain=frozenset())
    assert outline(run(sound, kills=every, drain=frozenset())) == outline(calm)
    assert outline(run(sound, kills=every, drain=every)) == outline(calm)


def test_an_abandoned_session_says_nothing_and_frees_its_slot() -> None:
    witness = Witness()
    engine = witness.begin()
    engine.abandon("a")
    assert witness.events == []
    assert engine.memory.free == 2

"""A session that is killed and taken up by another engine goes on as if nothing had happened."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.engine.journal import Fed
from interject.model_runtime.engine.ledger import Eviction
from interject.model_runtime.engine.snapshot import SavedSession
from interject.model_runtime.protocol import (
    FRAME_SAMPLES,
    CloseReason,
    Decision,
    Emotion,
    Event,
    FloorMode,
    Frame,
    Gap,
    RuntimeFailure,
    Sampling,
    SessionOptions,
)
from tests.model_runtime.alike import assert_same_decisions
from tests.model_runtime.engine.engine_room import outline
from tests.model_runtime.worlds import frames, noise, small_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.model_runtime.engine.journal import JournalEntry
    from interject.model_runtime.engine.snapshot import Snapshot

pytestmark = pytest.mark.numerics
OPTIONS = SessionOptions("a", prompt_ids=tuple(range(20)), threshold=0.6, max_reply_tokens=9)
LOUD = np.where(np.arange(FRAME_SAMPLES) % 20 < 10, 32_000, -32_000).astype("<i2").tobytes()


@dataclass
class Witness:
    """Keeps what a worker would have saved: frames, events, the journal, a snapshot."""

    events: list[Event] = field(default_factory=list)
    journal: list[JournalEntry] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    snapshot: Snapshot | None = None
    evictions: int = 0
    options: SessionOptions = OPTIONS
    backlog_frames: int | None = None

    def begin(self) -> Engine:
        engine = self._engine(slots=2)
        engine.open(self.options, self.events.append)
        engine.attach_journal("a", self.journal.append)
        return engine

    def keep(self, engine: Engine, *, at_once: bool = False) -> None:
        """After each step: on an eviction a snapshot replaces the journal."""
        if at_once or engine.evictions("a") > self.evictions:
            self.evictions = engine.evictions("a")
            self.snapshot = engine.snapshot("a")
            self.journal.clear()
            first = self.snapshot.audio_cursor.next_seq
            self.frames = [frame for frame in self.frames if frame.seq >= first]

    def take_over(self) -> Engine:
        """Another engine, whose slots are not those of the first."""
        engine = self._engine(slots=3)
        engine.open(SessionOptions("other"), lambda event: None)
        known = SavedSession(self.snapshot, tuple(self.journal), tuple(self.frames))
        restoration = engine.restore(self.options, known)
        restoration.run()
        engine.join(restoration, self.events.append, self.journal.append)
        self.evictions = 0
        return engine

    def _engine(self, slots: int) -> Engine:
        return Engine(
            small_model(256),
            slots=slots,
            eviction=Eviction.EXACT,
            backlog_frames=self.backlog_frames,
        )


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


def run(
    sound: list[Frame],
    *,
    kills: frozenset[int],
    drain: frozenset[int],
    options: SessionOptions = OPTIONS,
) -> list[Event]:
    """Kill the engine after the given steps; at those in `drain` it saves a snapshot first."""
    witness = Witness(options=options)
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
@example(kills=frozenset({3, 4}), drain=frozenset({3}))
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


@pytest.mark.parametrize("kills", [range(1000), range(0, 1000, 7)])
def test_a_reply_that_was_drawn_by_chance_goes_on_with_the_same_tokens(kills: range) -> None:
    chance = replace(OPTIONS, sampling=Sampling(temperature=1.5, top_p=0.9, seed=4))
    sound = heard()[:16]
    calm = run(sound, kills=frozenset(), drain=frozenset(), options=chance)
    assert outline(run(sound, kills=frozenset(kills), drain=frozenset(), options=chance)) == (
        outline(calm)
    )
    assert outline(calm) != outline(run(sound, kills=frozenset(), drain=frozenset()))


@pytest.mark.parametrize("kills", [range(1000), range(30, 1000, 11)])
def test_what_was_shed_stays_unheard(kills: range) -> None:
    """Loud frames that nobody heard must not turn down what follows."""
    sound = [replace(f, pcm=LOUD) if f.seq in (4, 5) else quiet(f) for f in heard()[:16]]
    calm = burst(sound, kills=frozenset())
    assert [e.first_seq for e in calm if isinstance(e, Gap)] == list(range(3, 13))
    killed = burst(sound, kills=frozenset(kills))
    assert outline(killed) == outline(calm)
    there, here = ([e for e in run if isinstance(e, Decision)] for run in (killed, calm))
    assert_same_decisions(there, here, small_model(256).config)


def quiet(frame: Frame) -> Frame:
    """Sound that next to anything loud is none."""
    return replace(frame, pcm=(np.frombuffer(frame.pcm, "<i2") // 512).astype("<i2").tobytes())


def burst(sound: list[Frame], *, kills: frozenset[int]) -> list[Event]:
    """Three frames as they come, then all others at once, of which only three may wait."""
    witness = Witness(backlog_frames=3)
    engine = witness.begin()
    steps = 0
    for frame in sound:
        engine.push("a", frame)
        witness.frames.append(frame)
        while frame.seq not in range(3, sound[-1].seq) and engine.step():
            steps += 1
            witness.keep(engine)
            if steps in kills:
                engine = witness.take_over()
    engine.close("a", CloseReason.CLIENT)
    return witness.events


def test_an_abandoned_session_says_nothing_and_frees_its_slot() -> None:
    witness = Witness()
    engine = witness.begin()
    engine.abandon("a")
    assert witness.events == []
    assert engine.kv_cache.free_slots == 2


def test_a_journal_with_a_hole_is_a_clear_failure() -> None:
    engine = Engine(small_model(256), slots=1, eviction=Eviction.EXACT)
    restoration = engine.restore(OPTIONS, SavedSession(None, (Fed(None), Fed(None)), ()))
    with pytest.raises(RuntimeFailure, match=r"cannot be done again \(IndexError\)"):
        restoration.run()
    engine.discard(restoration)
    engine.open(OPTIONS, lambda event: None)

"""What happens to a session while the device computes a step of it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from interject.model_runtime.engine.audio_queue import MAX_BACKLOG_FRAMES
from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.engine.ledger import Eviction
from interject.model_runtime.engine.scheduler import StepLimits
from interject.model_runtime.engine.snapshot import SavedSession
from interject.model_runtime.network.backend import TorchBackend
from interject.model_runtime.protocol import (
    Closed,
    CloseReason,
    Decision,
    Emotion,
    Gap,
    ReplyDelta,
    ReplyEnded,
    ReplyStarted,
    SessionClosed,
    SessionOptions,
)
from tests.fakes.late_backend import LateBackend
from tests.model_runtime.engine.engine_room import Room, outline
from tests.model_runtime.worlds import frames, noise, small_model

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from interject.model_runtime.engine.journal import JournalEntry
    from interject.model_runtime.network.attention import Segment
    from interject.model_runtime.protocol import Event

AT_ONCE = StepLimits(overlap=0)


def room(backend: type[TorchBackend] = LateBackend, **settings: object) -> Room:
    exact = Eviction.EXACT
    return Room(eviction=exact, backend=backend, limits=AT_ONCE, **settings)  # type: ignore[arg-type]


def hear_one(room: Room, name: str, seq: int = 0) -> None:
    room.engine.push(name, frames(noise(40.0))[seq])


def test_a_step_is_given_to_the_device_before_the_last_one_s_results_are_taken() -> None:
    late = room()
    for name in "ab":
        late.open(name, threshold=1.0)
    late.run()
    hear_one(late, "a")
    assert late.engine.step()
    assert late.of(Decision, "a") == []
    hear_one(late, "b")
    assert late.engine.step()
    assert [e.seq for e in late.of(Decision, "a")] == [0]
    assert late.of(Decision, "b") == []
    assert late.engine.step()
    assert [e.seq for e in late.of(Decision, "b")] == [0]
    assert not late.engine.step()


def test_where_little_waits_results_are_taken_first() -> None:
    """So that a chunk waits for one step, not for two."""
    late = Room(slots=3, backend=LateBackend, limits=StepLimits(overlap=2))
    for name in "abc":
        late.open(name, threshold=1.0)
    late.run()
    hear_one(late, "a")
    late.engine.step()
    hear_one(late, "b")
    late.engine.step()
    assert [e.seq for e in late.of(Decision, "a")] == [0]
    assert late.of(Decision, "b") == []
    hear_one(late, "a", 1)
    hear_one(late, "c")
    late.engine.step()
    assert [len(late.of(Decision, name)) for name in "abc"] == [1, 1, 0]
    late.run()
    assert [len(late.of(Decision, name)) for name in "abc"] == [2, 1, 1]


def test_on_a_cpu_results_are_taken_at_once() -> None:
    here = room(TorchBackend)
    here.open(threshold=1.0)
    here.run()
    hear_one(here, "a")
    assert here.engine.step()
    assert [e.seq for e in here.of(Decision)] == [0]


@pytest.mark.parametrize("eviction", Eviction)
def test_a_late_engine_says_what_one_at_once_says(eviction: Eviction) -> None:
    said = []
    for backend in (TorchBackend, LateBackend):
        one = Room(slots=2, context=256, eviction=eviction, backend=backend, limits=AT_ONCE)
        one.open("a", threshold=0.5)
        one.open("b", threshold=0.3)
        one.engine.say("b", "well", Emotion.NORMAL)
        for a, b in zip(frames(noise(24.0, 3)), frames(noise(24.0, 4)), strict=True):
            one.engine.push("a", a)
            one.engine.push("b", b)
            one.run()
        said.append([outline(one.events[name]) for name in "ab"])
    assert said[0] == said[1]
    assert any(line[0] == "end" for line in said[0][0])


def replying(late: Room) -> None:
    """A token of its reply is in flight."""
    late.open(threshold=1.0, max_reply_tokens=50)
    late.run()
    late.engine.answer_now("a")
    while not late.of(ReplyDelta):
        late.engine.step()
    late.engine.step()


def test_a_reply_that_is_cancelled_in_flight_keeps_what_was_drawn() -> None:
    """As if it had been cancelled between two steps."""
    late = room()
    replying(late)
    told = len(late.of(ReplyDelta))
    late.engine.cancel("a", 0, 1)
    assert len(late.of(ReplyDelta)) == told + 1
    assert [e.text for e in late.of(ReplyEnded)] == [late.of(ReplyDelta)[0].text]
    late.run()
    late.hear(2.0)
    assert len(late.of(Decision)) == 5


def test_a_snapshot_in_flight_holds_what_is_being_computed() -> None:
    late = room()
    late.open(threshold=1.0)
    late.run()
    hear_one(late, "a")
    late.engine.step()
    snapshot = late.engine.snapshot("a")
    assert [e.seq for e in late.of(Decision)] == [0]
    assert snapshot.decided_seq == 0
    assert not late.engine.step()


@pytest.mark.parametrize("how", ["close", "abandon"])
def test_a_session_that_ends_in_flight_is_told_nothing_more(how: str) -> None:
    late = room(slots=1)
    late.open(threshold=1.0)
    late.run()
    hear_one(late, "a")
    late.engine.step()
    if how == "close":
        late.engine.close("a", CloseReason.CLIENT)
    else:
        late.engine.abandon("a")
    late.run()
    assert [type(event) for event in late.events["a"]] == [Closed] * (how == "close")
    late.open("b", threshold=1.0)
    late.hear(2.0, name="b")
    alone = room(TorchBackend, slots=1)
    alone.open("b", threshold=1.0)
    alone.hear(2.0, name="b")
    assert outline(late.events["b"]) == outline(alone.events["b"])


def test_what_is_in_flight_is_not_shed() -> None:
    late = room()
    late.open(threshold=1.0)
    late.run()
    sound = frames(noise(0.4 * (MAX_BACKLOG_FRAMES + 10)))
    for frame in sound[:MAX_BACKLOG_FRAMES]:
        late.engine.push("a", frame)
    late.engine.step()
    for frame in sound[MAX_BACKLOG_FRAMES:]:
        late.engine.push("a", frame)
    late.run()
    shed = {seq for gap in late.of(Gap) for seq in range(gap.first_seq, gap.first_seq + gap.count)}
    decided = [e.seq for e in late.of(Decision)]
    assert sorted([*shed, *decided]) == [frame.seq for frame in sound]


def test_a_session_closes_when_its_last_chunk_is_decided_and_not_before() -> None:
    late = room()
    late.open(threshold=1.0)
    late.run()
    hear_one(late, "a")
    late.engine.finish("a")
    late.run()
    assert [type(event) for event in late.events["a"]] == [Decision, Closed]


def test_a_prompt_in_flight_does_not_close_a_finished_session_twice() -> None:
    late = room()
    late.open(threshold=1.0)
    late.engine.finish("a")
    late.run()
    assert [type(event) for event in late.events["a"]] == [Closed]


@pytest.mark.parametrize("backend", [TorchBackend, LateBackend])
def test_a_finished_session_whose_last_chunk_is_shed_is_closed(
    backend: type[TorchBackend],
) -> None:
    one = Room(slots=2, backlog_frames=4, backend=backend)
    for name in "ab":
        one.open(name, threshold=1.0)
    one.run()
    hear_one(one, "a")
    one.engine.finish("a")
    one.now = 1.0
    for seq in range(8):
        hear_one(one, "b", seq)
    one.run()
    assert [type(event) for event in one.events["a"]] == [Gap, Closed]


def test_a_finished_session_is_closed_where_others_overflow_while_it_is_in_flight() -> None:
    late = Room(slots=2, backend=LateBackend, backlog_frames=4, limits=AT_ONCE)
    for name in "ab":
        late.open(name, threshold=1.0)
    late.run()
    hear_one(late, "a")
    late.engine.step()
    late.engine.finish("a")
    for seq in range(8):
        hear_one(late, "b", seq)
    late.run()
    assert [type(event) for event in late.events["a"]] == [Decision, Closed]


def test_what_is_in_flight_is_no_backlog() -> None:
    late = Room(slots=2, backend=LateBackend, backlog_frames=8, limits=AT_ONCE)
    for name in "ab":
        late.open(name, threshold=1.0)
    late.run()
    for name in "ab":
        for seq in range(6):
            hear_one(late, name, seq)
        if name == "a":
            late.engine.step()
    late.run()
    assert [late.of(Gap, name) for name in "ab"] == [[], []]
    assert [len(late.of(Decision, name)) for name in "ab"] == [6, 6]


class Breaking(LateBackend):
    """From some time on what it computes is no number."""

    broken = False

    def forward(self, rows: Tensor, segments: Sequence[Segment], wanted: Sequence[int]) -> Tensor:
        hidden = super().forward(rows, segments, wanted)
        return hidden * math.nan if self.broken else hidden


@pytest.mark.parametrize("how", ["cancel", "snapshot", "push"])
def test_a_session_that_fails_in_flight_is_left_alone_by_what_waited_for_it(how: str) -> None:
    late = room(Breaking)
    late.open(threshold=1.0)
    late.engine.say("a", "hello there", Emotion.NORMAL)
    late.run()
    backend = late.engine._backend
    assert isinstance(backend, Breaking)
    backend.broken = True
    sound = frames(noise(0.4 * (MAX_BACKLOG_FRAMES + 1)))
    for frame in sound[:MAX_BACKLOG_FRAMES]:
        late.engine.push("a", frame)
    late.engine.step()
    actions: dict[str, Callable[[], object]] = {
        "cancel": lambda: late.engine.cancel("a", 0, 2),
        "snapshot": lambda: late.engine.snapshot("a"),
        "push": lambda: late.engine.push("a", sound[-1]),
    }
    with pytest.raises(SessionClosed):
        actions[how]()
    assert isinstance(late.events["a"][-1], Closed)


@pytest.mark.parametrize("backend", [TorchBackend, LateBackend])
def test_a_reply_without_emotion_is_told_once_wherever_its_engine_ends(
    backend: type[TorchBackend],
) -> None:
    """Not before the journal knows of it."""
    plain = small_model(512)
    layout = replace(plain.config.layout, emotion_slot=False)
    model = replace(plain, config=replace(plain.config, layout=layout))
    options = SessionOptions("a", threshold=1.0, max_reply_tokens=4)
    for steps in range(8):
        told: list[Event] = []
        journal: list[JournalEntry] = []
        first = Engine(model, slots=1, eviction=Eviction.EXACT, backend=backend)
        first.open(options, told.append)
        first.attach_journal("a", journal.append)
        first.answer_now("a")
        for _ in range(steps):
            first.step()
        second = Engine(model, slots=1, eviction=Eviction.EXACT, backend=backend)
        restoration = second.restore(options, SavedSession(None, tuple(journal), ()))
        restoration.run()
        second.join(restoration, told.append, journal.append)
        while second.step():
            pass
        assert [type(e) for e in told if not isinstance(e, ReplyDelta)] == [
            ReplyStarted,
            ReplyEnded,
        ]

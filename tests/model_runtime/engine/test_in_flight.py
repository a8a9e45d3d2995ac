"""What happens to a session while the device computes a step of it."""

from __future__ import annotations

import pytest

from interject.model_runtime.engine.audio_queue import MAX_BACKLOG_FRAMES
from interject.model_runtime.engine.ledger import Eviction
from interject.model_runtime.engine.scheduler import StepLimits
from interject.model_runtime.network.backend import TorchBackend
from interject.model_runtime.protocol import (
    Closed,
    CloseReason,
    Decision,
    Emotion,
    Gap,
    ReplyDelta,
    ReplyEnded,
)
from tests.fakes.late_backend import LateBackend
from tests.model_runtime.engine.engine_room import Room, outline
from tests.model_runtime.worlds import frames, noise

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

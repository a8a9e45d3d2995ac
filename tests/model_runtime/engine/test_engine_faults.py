"""What goes wrong in one session ends that session and no other."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
import torch

from interject.model_runtime.engine.faults import is_session_fault
from interject.model_runtime.engine.sampling import Sampler
from interject.model_runtime.names import shown
from interject.model_runtime.protocol import Closed, CloseReason, Decision, Sampling
from tests.model_runtime.alike import assert_same_decisions
from tests.model_runtime.engine.engine_room import Room, outline
from tests.model_runtime.worlds import frames, noise

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.model_runtime.engine.token_draw import TokenDraw

pytestmark = pytest.mark.numerics
EARLIER_S = 1.2
LATER = frames(noise(2.0, 3))[3:]
NOT_A_NUMBER = "the model computed something that is not a number"


def poison_memory(room: Room) -> None:
    """What an overflow leaves behind."""
    slot = room.engine._streams["a"].memory.slot
    room.engine.kv_cache.values[:, slot, 0] = float("nan")


def lose_sound(room: Room) -> None:
    """A chunk is due that is not there."""
    room.engine.push("a", LATER[0])
    room.engine._streams["a"].audio.chunks[0].frame = None  # type: ignore[assignment]


def lose_reply(room: Room) -> None:
    """A reply has begun, and nobody knows with what."""
    room.engine.answer_now("a")
    room.engine.step()
    room.engine._streams["a"].conversation.pending_ids = []


class NoDice(Sampler):
    """Cannot say how a token is drawn."""

    def token_draw(self, *, reply_id: int, index: int) -> TokenDraw | None:
        raise RuntimeError("there is no chance")


def draw_nothing(room: Room) -> None:
    """A reply begins that cannot be drawn."""
    room.engine._streams["a"].conversation.sampler = NoDice(Sampling(temperature=1.0))
    room.engine.answer_now("a")


def overflow(room: Room) -> None:
    """A slot has no room for what is due; the others are in the same pass."""
    stream = room.engine._streams["a"]
    room.engine.kv_cache.lengths[stream.memory.slot] = room.engine.kv_cache.context


def deafen(room: Room) -> None:
    """Who hears the session's events is gone, as is the loop of a program that ended."""

    def gone(event: object) -> None:
        raise RuntimeError("Event loop is closed")

    tell = room.engine._streams["a"].events
    hear = tell.emit
    tell.emit = lambda event: hear(event) if isinstance(event, Closed) else gone(event)


def lose_pending_ids(room: Room) -> None:
    """Whoever plans the step cannot tell what the session needs."""
    room.engine._streams["a"].conversation.pending_ids = None  # type: ignore[assignment]


FAULTS = {
    "no plan": (lose_pending_ids, "the session failed (TypeError); see the log"),
    "no dice": (draw_nothing, "the session failed (RuntimeError); see the log"),
    "no room": (overflow, "the session failed (AssertionError); see the log"),
    "no audio": (deafen, "the session failed (RuntimeError); see the log"),
    "no number": (poison_memory, NOT_A_NUMBER),
    "no frame": (lose_sound, "the session failed (AttributeError); see the log"),
    "no reply": (lose_reply, "the session failed (IndexError); see the log"),
}


def listen(room: Room, disturb: Callable[[Room], None] = lambda room: None) -> None:
    """Both hear the same; `a` is disturbed in the middle of it."""
    for name in ("a", "b"):
        room.open(name, threshold=1.0 if name == "a" else 0.3)
        room.hear(EARLIER_S, name=name, seed=3)
    disturb(room)
    for frame in LATER:
        for name in room.engine.session_ids:
            room.engine.push(name, frame)
        room.run()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_session_that_fails_ends_alone(fault: str, caplog: pytest.LogCaptureFixture) -> None:
    disturb, message = FAULTS[fault]
    quiet, room = Room(), Room()
    listen(quiet)
    with caplog.at_level(logging.ERROR):
        listen(room, disturb)
    assert room.events["a"][-1] == Closed("a", CloseReason.FAILURE, message)
    assert outline(room.events["b"]) == outline(quiet.events["b"])
    assert room.engine.session_ids == ("b",)
    assert [record.__dict__["session"] for record in caplog.records] == [shown("a")]


@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_a_reply_of_no_numbers_ends_its_session(temperature: float) -> None:
    room = Room()
    room.open(sampling=Sampling(temperature=temperature))
    room.hear(0.4)
    room.engine.answer_now("a")
    room.engine.step()
    poison_memory(room)
    room.run()
    assert room.events["a"][-1] == Closed("a", CloseReason.FAILURE, NOT_A_NUMBER)


def test_the_next_session_in_a_failed_one_s_slot_is_as_any_other() -> None:
    fresh, room = Room(slots=1), Room(slots=1)
    room.open()
    room.hear(EARLIER_S)
    poison_memory(room)
    room.engine.push("a", LATER[0])
    room.run()
    assert room.events["a"][-1] == Closed("a", CloseReason.FAILURE, NOT_A_NUMBER)
    for one in (fresh, room):
        one.open(threshold=0.3)
        one.hear(2.0)
    assert outline(room.events["a"]) == outline(fresh.events["a"])
    assert_same_decisions(room.of(Decision), fresh.of(Decision), fresh.config)


def test_a_step_in_which_everybody_fails_is_a_step() -> None:
    room = Room(slots=1)
    room.open(threshold=1.0)
    room.hear(EARLIER_S)
    lose_reply(room)
    room.run()
    failure = "the session failed (IndexError); see the log"
    assert room.events["a"][-1] == Closed("a", CloseReason.FAILURE, failure)
    assert room.engine.kv_cache.free_slots == 1


def test_a_slot_is_clean_whatever_way_its_session_ended() -> None:
    room = Room(slots=1)
    room.open()
    room.hear(EARLIER_S)
    poison_memory(room)
    room.engine.abandon("a")
    assert not room.engine.kv_cache.values.any()
    assert not room.engine.kv_cache.keys.any()


@pytest.mark.parametrize(
    ("error", "own"),
    [
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied (1x3 and 4x5)"), True),
        (NotImplementedError(), True),
        (ZeroDivisionError(), True),
        (RuntimeError("CUDA error: device-side assert triggered"), False),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), False),
        (torch.OutOfMemoryError("CUDA out of memory"), False),
        (torch.AcceleratorError("unspecified launch failure"), False),
        (MemoryError(), False),
    ],
)
def test_a_session_s_own_fault_and_the_device_s(error: Exception, own: bool) -> None:
    assert is_session_fault(error) is own


def test_a_pass_that_fails_for_everybody_is_the_engine_s_fault() -> None:
    room = Room()
    for name in ("a", "b"):
        room.open(name)
        room.hear(EARLIER_S, name=name, seed=3)
    overflow(room)
    room.engine.kv_cache.lengths[room.engine._streams["b"].memory.slot] = (
        room.engine.kv_cache.context
    )
    for name in ("a", "b"):
        room.engine.push(name, LATER[0])
    with pytest.raises(AssertionError):
        room.run()


def test_nobody_left_to_tell_is_no_reason_to_fail(caplog: pytest.LogCaptureFixture) -> None:
    def gone(event: object) -> None:
        raise RuntimeError("Event loop is closed")

    room = Room(slots=1)
    room.open()
    room.engine._streams["a"].events.emit = gone
    room.engine.close("a", CloseReason.CLIENT)
    assert "nobody can be told" in caplog.text
    assert room.engine.kv_cache.free_slots == 1

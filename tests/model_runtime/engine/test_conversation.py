"""A slot holds what was heard of a reply, and nothing of what was not, whatever came behind it."""

from __future__ import annotations

import pytest

from interject.model_runtime.engine.ledger import Eviction
from interject.model_runtime.engine.scheduler import StepLimits
from interject.model_runtime.engine.snapshot import SavedSession
from interject.model_runtime.protocol import (
    Decision,
    Emotion,
    EndReason,
    ReplyDelta,
    ReplyEnded,
    Sampling,
)
from tests.model_runtime.alike import assert_same_decisions
from tests.model_runtime.engine.engine_room import Room
from tests.model_runtime.worlds import frames, noise

pytestmark = pytest.mark.numerics
SOUND = frames(noise(12.0))
NEXT = frames(noise(14.0, 9))[30:]
WORDS = "one two three four"
HEARD = len("one two")


def exact_room(**options: object) -> Room:
    """Never an eviction: 512 positions, and so few chunks."""
    room = Room(eviction=Eviction.EXACT, limits=StepLimits(recompute=16))
    room.open("a", prompt_ids=tuple(range(20)), threshold=1.0, **options)
    return room


def hear(room: Room, *, first: int, chunks: int) -> None:
    for frame in SOUND[first : first + chunks]:
        room.engine.push("a", frame)
        room.run()


def next_decisions(room: Room) -> list[Decision]:
    """Those of the five chunks that come next."""
    for frame in NEXT:
        room.engine.push("a", frame)
    room.engine.update("a", threshold=1.0, mode=None)
    room.run()
    return room.of(Decision)[-len(NEXT) :]


def restored(room: Room) -> Room:
    """The same session in another engine, from its snapshot."""
    other = Room(eviction=Eviction.EXACT)
    known = SavedSession(room.engine.snapshot("a"), (), ())
    restoration = other.engine.restore(room.engine._streams["a"].options, known)
    restoration.run()
    other.events["a"] = []
    other.engine.join(restoration, other.events["a"].append, lambda deed: None)
    return other


def assert_same(room: Room, *others: Room) -> None:
    decided = next_decisions(room)
    assert len(decided) == len(NEXT)
    for other in others:
        assert_same_decisions(next_decisions(other), decided, room.config)


@pytest.mark.parametrize("chunks", [0, 1, 8])
def test_a_reply_that_is_over_leaves_no_trace_of_what_was_not_heard(chunks: int) -> None:
    cut, short = exact_room(), exact_room()
    for room, words in ((cut, WORDS), (short, WORDS[:HEARD])):
        hear(room, first=0, chunks=2)
        room.engine.say("a", words, Emotion.NORMAL)
        room.run()
        hear(room, first=2, chunks=chunks)
    cut.engine.cancel("a", 0, HEARD)
    assert_same(cut, restored(cut), short)


@pytest.mark.parametrize("chunks", [0, 1, 8])
def test_nor_does_one_that_its_limit_ended(chunks: int) -> None:
    """Its last token was drawn and not fed: it belongs to what was not heard, too."""
    room = exact_room(max_reply_tokens=12, sampling=Sampling(temperature=2.0))
    hear(room, first=0, chunks=2)
    room.engine.answer_now("a")
    room.run()
    hear(room, first=2, chunks=chunks)
    (end,) = room.of(ReplyEnded)
    assert end.reason is EndReason.MAX_TOKENS
    room.engine.cancel("a", 0, 3)
    drawn = [token for delta in room.of(ReplyDelta) for token in delta.token_ids]
    unheard = drawn[room.of(ReplyEnded)[-1].token_count :]
    assert len(unheard) > 5
    assert unheard[-1] not in room.engine._streams["a"].memory.ledger.contents().ids[20:]
    assert_same(room, restored(room))


@pytest.mark.parametrize("tokens", range(1, 8))
def test_one_that_is_still_being_said_is_cut_as_well(tokens: int) -> None:
    room = exact_room(max_reply_tokens=30, sampling=Sampling(temperature=2.0))
    hear(room, first=0, chunks=2)
    room.engine.answer_now("a")
    while sum(len(d.token_ids) for d in room.of(ReplyDelta)) < tokens:
        room.engine.step()
    room.engine.cancel("a", 0, 3)
    assert_same(room, restored(room))


def test_what_is_cut_at_the_end_costs_nothing() -> None:
    room = exact_room()
    room.engine.say("a", WORDS, Emotion.NORMAL)
    room.run()
    room.engine.cancel("a", 0, HEARD)
    assert not room.engine.step()


def test_what_follows_a_cut_is_computed_in_pieces_while_others_are_decided() -> None:
    room = exact_room()
    room.open("b", threshold=1.0)
    room.engine.say("a", WORDS, Emotion.NORMAL)
    hear(room, first=0, chunks=12)
    room.engine.cancel("a", 0, HEARD)
    memory = room.engine._streams["a"].memory
    assert memory.unfilled == 12 * 13
    for pieces in range(1, 10):
        room.engine.push("b", SOUND[pieces])
        room.engine.step()
        assert len(room.of(Decision, "b")) == pieces
        assert memory.unfilled == 12 * 13 - 16 * pieces


def test_a_reply_goes_on_when_an_earlier_one_is_cut() -> None:
    rooms = exact_room(max_reply_tokens=20), exact_room(max_reply_tokens=20)
    for room in rooms:
        room.engine.say("a", WORDS, Emotion.NORMAL)
        hear(room, first=0, chunks=4)
        room.engine.answer_now("a")
    for _ in range(6):
        rooms[0].engine.step()
    rooms[0].engine.cancel("a", 0, HEARD)
    room = restored(rooms[0])
    for each in (rooms[0], room):
        each.run()
    begun = [t for d in rooms[0].of(ReplyDelta)[1:] for t in d.token_ids]
    rest = [t for d in room.of(ReplyDelta) for t in d.token_ids]
    assert len(begun) == 20
    assert 10 < len(rest) < 20
    assert begun[-len(rest) :] == rest
    assert_same(rooms[0], room)

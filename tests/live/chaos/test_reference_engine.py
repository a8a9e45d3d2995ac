"""The engine that rooms are held against: it may be told to choose otherwise, but only in a tie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from interject.model_runtime.engine.near_tie import DECISION, EMOTION, Choice, Choices
from tests.live.chaos.client_process import options
from tests.live.chaos.comparable_events import ComparableEvent, comparable
from tests.live.chaos.endless_sound import EndlessSound
from tests.live.chaos.reference_engine import ReferenceEngine
from tests.live.chaos.room import Mismatch, Room, accounts
from tests.model_runtime.worlds import small_layout

if TYPE_CHECKING:
    from collections.abc import Container

    from interject.model_runtime.engine.near_tie import ChoicePoint
    from interject.model_runtime.protocol import Event

FRAMES = 24
EVERYTHING = 1_000.0
"""Every choice is a tie."""


def said(
    tie: float = 0.0, without: Container[int] = (), **wanted: tuple[ChoicePoint, Choice]
) -> tuple[list[ComparableEvent], Choices]:
    """What is told of a room's first frames, `without` some of them."""
    engine = ReferenceEngine(slots=1, tie=tie)
    choices = Choices(dict(wanted.values()))
    events: list[Event] = []
    engine.open(options(0), events.append)
    engine.choices[options(0).session_id] = choices
    sound = EndlessSound(0)
    for seq in range(FRAMES):
        if seq not in without:
            engine.push(options(0).session_id, sound.frame(seq, seq=seq))
        while engine.step():
            pass
    engine.finish(options(0).session_id)
    while engine.step():
        pass
    return [comparable(event) for event in events], choices


def first(events: list[ComparableEvent], kind: str) -> ComparableEvent:
    return next(event for event in events if event[0] == kind)


def choice(kind: str, events: list[ComparableEvent]) -> tuple[ChoicePoint, Choice]:
    """Another one than was made."""
    if kind == "decision":
        _, seq, respond = first(events, kind)
        return (DECISION, seq), Choice(int(not respond), int(respond))
    if kind == "started":
        _, reply_id, _, emotion, _ = first(events, kind)
        tokens = {e.value: token for e, token in small_layout().emotions.items()}
        own = tokens.pop(emotion)
        return (EMOTION, reply_id), Choice(next(iter(tokens.values())), own)
    _, reply_id, said, _ = first(events, "delta")
    return (reply_id, 0), Choice(said[0] ^ 1, said[0])


@pytest.mark.parametrize("kind", ["decision", "started", "delta"])
def test_it_chooses_otherwise_in_a_tie_only(kind: str) -> None:
    alone, _ = said()
    other = choice(kind, alone)
    assert said(tie=0.0, other=other)[0] == alone
    events, choices = said(tie=EVERYTHING, other=other)
    assert choices.made == {other[0]}
    assert first(events, kind) != first(alone, kind)


@pytest.mark.parametrize("kind", ["decision", "started", "delta"])
def test_its_own_choice_may_be_the_wanted_one(kind: str) -> None:
    alone, _ = said()
    place, other = choice(kind, alone)
    own = Choice(other.rival, other.chosen)
    assert said(tie=0.0, own=(place, own))[1].made == set()
    events, choices = said(tie=EVERYTHING, own=(place, own))
    assert choices.made == {place}
    assert first(events, kind) == first(alone, kind)


def room_that_was_told(events: list[ComparableEvent]) -> Room:
    room = Room(0, 0, FRAMES)
    room.hear("opened", 0, 0)
    for seq in range(FRAMES):
        room.hear("pushed", seq)
    for event in events:
        room.hear("event", event)
    return room


def test_a_room_that_was_told_the_same_is_accounted_for() -> None:
    events, _ = said()
    (account,) = accounts([room_that_was_told(events)])
    assert (account.decided, account.ties) == (FRAMES, 0)


@pytest.mark.parametrize("earlier", [0, 3])
def test_a_gap_may_be_told_earlier(earlier: int) -> None:
    events, _ = said(without=range(5, 7))
    place = next(number for number, event in enumerate(events) if event[0] == "gap")
    events.insert(place - earlier, events.pop(place))
    (account,) = accounts([room_that_was_told(events)])
    assert (account.decided, account.in_gaps, account.unheard) == (FRAMES - 2, 2, 0)


@pytest.mark.parametrize("kind", ["decision", "started", "delta"])
def test_a_room_that_was_told_something_else_is_not(kind: str) -> None:
    alone, _ = said()
    events, _ = said(tie=EVERYTHING, other=choice(kind, alone))
    with pytest.raises(Mismatch, match="room 0, media process from 0 on, after"):
        accounts([room_that_was_told(events)])
    (account,) = accounts([room_that_was_told(events)], tie=EVERYTHING)
    assert account.ties == 1

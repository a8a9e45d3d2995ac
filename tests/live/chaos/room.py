"""What a room's media processes were told, held against what an undisturbed engine says."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from interject.model_runtime.engine.near_tie import DECISION, EMOTION, Choice, Choices
from interject.model_runtime.protocol import Emotion, Gap, GapReason
from tests.live.chaos.client_process import options
from tests.live.chaos.comparable_events import ComparableEvent, comparable, renumbered
from tests.live.chaos.endless_sound import EndlessSound
from tests.live.chaos.reference_engine import ReferenceEngine
from tests.live.chaos.reference_engine import tie as near_tie
from tests.model_runtime.worlds import small_layout

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from interject.model_runtime.engine.near_tie import ChoicePoint
    from interject.model_runtime.protocol import Event, Frame

AT_ONCE = 50
"""A drained queue gives the same decisions as one by one, and sooner."""
MOST_REPEATED = 400


@dataclass
class Stay:
    """One media process in the room: its sound from `first_index` on is `first_seq` and on.

    A gap is told as soon as it is known, so its place among the `events` says nothing: the numbers
    of the frames in it are `lost`. What an `overloaded` engine shed may have been heard before.
    """

    first_seq: int
    first_index: int
    pushed: int = 0
    settled: int = 0
    events: list[ComparableEvent] = field(default_factory=list)
    lost: set[int] = field(default_factory=set)
    overloaded: bool = False

    def hear(self, event: ComparableEvent) -> None:
        kind, first, *rest = event
        if kind == "gap":
            self.overloaded = self.overloaded or rest[1] == GapReason.OVERLOAD.value
            self.settled = first + rest[0]
            self.lost.update(range(self.first_seq + first, self.first_seq + self.settled))
            return
        self.events.append(event)
        if kind == "decision":
            self.settled = first + 1


@dataclass(frozen=True)
class Account:
    """Where the frames of a room went, and what was told to two media processes in turn.

    `unheard` frames are those of which Redis never knew: nobody captured them, or they died with
    the process that had.
    """

    decided: int
    in_gaps: int
    unheard: int
    replies: int
    repeated_events: int
    repeated_replies: int
    ties: int


class Mismatch(AssertionError):
    """Where a room was told something else; if that was a choice, its `place` and what it was."""

    def __init__(self, message: str, choice: tuple[ChoicePoint, Choice] | None = None) -> None:
        super().__init__(message)
        self.choice = choice


class Room:
    """Everything that happened in it. Sound and settings follow from its number and the seed."""

    def __init__(self, number: int, seed: int, frames: int) -> None:
        self.number = number
        self.frames = frames
        self.stays: list[Stay] = []
        self._seed = seed

    @property
    def settled_index(self) -> int:
        """The newest frame that was decided or reported lost; -1 before the first."""
        if not self.stays:
            return -1
        return self.stays[-1].first_index + self.stays[-1].settled - 1

    def hear(self, what: str, *rest: Any) -> None:
        """A line of the media process that is in the room now."""
        if what == "opened":
            self.stays.append(Stay(*rest))
        elif what == "pushed":
            self.stays[-1].pushed += 1
        else:
            self.stays[-1].hear(rest[0])

    def account(self, expected: list[ComparableEvent], *, ties: int = 0) -> Account:
        """Hold what was told against what one engine says about the same sound.

        :raises Mismatch: when anything was lost, changed, or told out of turn; or when nobody can
            tell, because this machine was too slow and frames were shed.
        """
        if any(stay.overloaded for stay in self.stays):
            raise Mismatch(f"room {self.number}: frames were shed: this machine is too busy")
        gaps = self._gaps()
        reached = repeated = repeated_replies = 0
        for number, stay in enumerate(self.stays):
            earliest = max(0, reached - MOST_REPEATED) if number else 0
            begins = range(reached, earliest - 1, -1)
            begin = max(begins, key=lambda b: _agreement(expected, b, stay))
            agreed, _, end = _agreement(expected, begin, stay)
            if agreed < len(stay.events):
                raise self._mismatch(expected, end, stay, agreed)
            again = expected[begin:reached]
            repeated += len(again)
            repeated_replies += sum(event[0] == "started" for event in again)
            reached = end
        if reached != len(expected):
            raise Mismatch(f"room {self.number}: not told: {expected[reached:][:5]}")
        decided = sum(event[0] == "decision" for event in expected)
        return Account(
            decided=decided,
            in_gaps=len(gaps),
            unheard=self.frames - decided - len(gaps),
            replies=sum(event[0] == "started" for event in expected),
            repeated_events=repeated,
            repeated_replies=repeated_replies,
            ties=ties,
        )

    def _gaps(self) -> set[int]:
        """Numbers of the frames that were reported lost."""
        return set[int]().union(*(stay.lost for stay in self.stays))

    def frames_heard(self) -> Iterator[Frame]:
        """Those that reached Redis and were not reported lost."""
        sound, gaps = EndlessSound(1_000 * self._seed + self.number), self._gaps()
        for stay, following in zip(self.stays, [*self.stays[1:], None], strict=True):
            count = stay.pushed if following is None else following.first_seq - stay.first_seq
            assert count <= stay.pushed + 1, f"room {self.number}: a frame that nobody sent"
            for k in range(count):
                if stay.first_seq + k not in gaps:
                    yield sound.frame(stay.first_index + k, seq=stay.first_seq + k)

    def _mismatch(
        self, expected: list[ComparableEvent], at: int, stay: Stay, agreed: int
    ) -> Mismatch:
        was = stay.events[agreed]
        beyond, should = _next(expected, at, stay.first_seq)
        message = (
            f"room {self.number}, media process from {stay.first_seq} on, after {agreed} events: "
            f"{stay.events[agreed : agreed + 3]}, not {should}"
        )
        return Mismatch(message, None if should is None else _choice(expected[:beyond], was))


def _choice(
    expected: list[ComparableEvent], was: ComparableEvent
) -> tuple[ChoicePoint, Choice] | None:
    """What was chosen where the last of these events was expected."""
    rival = expected[-1]
    if {rival[0], was[0]} not in ({"decision"}, {"started"}, {"delta"}, {"delta", "ended"}):
        return None
    kind, number, *_ = rival
    choice = Choice(_chosen(was), _chosen(rival))
    if kind == "decision":
        return (DECISION, number), choice
    if kind == "started":
        return (EMOTION, number), choice
    before = [event for event in expected[:-1] if event[0] == "delta" and event[1] == number]
    return (number, sum(len(tokens) for _, _, tokens, _ in before)), choice


def _chosen(event: ComparableEvent) -> int:
    """0 or 1 of a decision, otherwise a token."""
    layout = small_layout()
    match event:
        case ["decision", _, respond]:
            return int(respond)
        case ["started", _, _, emotion, _]:
            return layout.emotions[Emotion(emotion)]
        case ["delta", _, [first, *_], _]:
            return int(first)
    return layout.text_end


def _next(
    expected: list[ComparableEvent], at: int, first_seq: int
) -> tuple[int, ComparableEvent | None]:
    """The next event that a client is told, and where those after it begin."""
    while at < len(expected):
        event = renumbered(expected[at], first_seq)
        at += 1
        if event is not None:
            return at, event
    return at, None


def _agreement(expected: list[ComparableEvent], begin: int, stay: Stay) -> tuple[int, bool, int]:
    """How many of a stay's events are as expected from `begin` on, whether the one after these is
    at least about the same frame or reply, and where they end among the expected.
    """
    at = begin
    for number, event in enumerate(stay.events):
        beyond, should = _next(expected, at, stay.first_seq)
        if event != should:
            return number, should is not None and event[:2] == should[:2], at
        at = beyond
    return len(stay.events), True, at


def accounts(rooms: Sequence[Room], *, tie: float | None = None) -> tuple[Account, ...]:
    """Of each room, against what one engine says.

    :raises Mismatch: when a room was told something else, and not where rounding decides.
    """
    tie = near_tie() if tie is None else tie
    told_alone = undisturbed(rooms, [Choices() for _ in rooms], tie=tie)
    pairs = zip(rooms, told_alone, strict=True)
    return tuple(_account(room, expected, tie) for room, expected in pairs)


def _account(room: Room, expected: list[ComparableEvent], tie: float) -> Account:
    choices = Choices()
    while True:
        try:
            return room.account(expected, ties=len(choices.made))
        except Mismatch as mismatch:
            if mismatch.choice is None or mismatch.choice[0] in choices.wanted:
                raise
            place, choice = mismatch.choice
            choices.wanted[place] = choice
            (expected,) = undisturbed([room], [choices], tie=tie)
            if place not in choices.made:
                raise


def undisturbed(
    rooms: Sequence[Room], choices: Sequence[Choices], *, tie: float
) -> list[list[ComparableEvent]]:
    """What one engine says about what each room heard."""
    engine = ReferenceEngine(slots=len(rooms), tie=tie)
    events: list[list[Event]] = [[] for _ in rooms]
    ears = []
    for room, its_choices, its_events in zip(rooms, choices, events, strict=True):
        session = options(room.number)
        engine.open(session, its_events.append)
        engine.choices[session.session_id] = its_choices
        ears.append((session.session_id, room.frames_heard()))
    for _ in range(0, rooms[0].frames, AT_ONCE):
        for session_id, frames in ears:
            for frame in islice(frames, AT_ONCE):
                engine.push(session_id, frame)
        _work_off(engine)
    for session_id, _ in ears:
        engine.finish(session_id)
    _work_off(engine)
    return [[comparable(e) for e in its_events if not isinstance(e, Gap)] for its_events in events]


def _work_off(engine: ReferenceEngine) -> None:
    while engine.step():
        pass

"""What a room's media processes were told, held against what an undisturbed engine says."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from interject.model_runtime.engine import Engine
from interject.model_runtime.ledger import Eviction
from tests.live.client_process import options
from tests.live.endless import Endless
from tests.live.told import Told, renumbered, told
from tests.model_runtime.worlds import small_model

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from interject.model_runtime.protocol import Event, Frame

AT_ONCE = 50
"""A drained queue gives the same decisions as one by one, and sooner."""
MOST_REPEATED = 400


@dataclass
class Stay:
    """One media process in the room: its sound from `first_index` on is `first_seq` and on."""

    first_seq: int
    first_index: int
    pushed: int = 0
    settled: int = 0
    events: list[Told] = field(default_factory=list)

    def hear(self, event: Told) -> None:
        self.events.append(event)
        if event[0] in ("decision", "gap"):
            self.settled = event[1] + (event[2] if event[0] == "gap" else 1)


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

    def account(self, expected: list[Told]) -> Account:
        """Hold what was told against what one engine says about the same sound.

        :raises AssertionError: when anything was lost, changed, or told out of turn.
        """
        gaps = self._gaps()
        reached = repeated = repeated_replies = 0
        for number, stay in enumerate(self.stays):
            earliest = max(0, reached - MOST_REPEATED) if number else 0
            begin = next(
                (
                    b
                    for b in range(reached, earliest - 1, -1)
                    if _end(expected, b, stay) is not None
                ),
                None,
            )
            assert begin is not None, self._difference(expected, reached, stay)
            again = expected[begin:reached]
            repeated += len(again)
            repeated_replies += sum(event[0] == "started" for event in again)
            reached = _end(expected, begin, stay) or 0
        assert reached == len(expected), f"room {self.number}: not told: {expected[reached:][:5]}"
        decided = sum(event[0] == "decision" for event in expected)
        return Account(
            decided=decided,
            in_gaps=len(gaps),
            unheard=self.frames - decided - len(gaps),
            replies=sum(event[0] == "started" for event in expected),
            repeated_events=repeated,
            repeated_replies=repeated_replies,
        )

    def _gaps(self) -> set[int]:
        """Numbers of the frames that were reported lost."""
        return {
            stay.first_seq + event[1] + k
            for stay in self.stays
            for event in stay.events
            if event[0] == "gap"
            for k in range(event[2])
        }

    def frames_heard(self) -> Iterator[Frame]:
        """Those that reached Redis and were not reported lost."""
        sound, gaps = Endless(1_000 * self._seed + self.number), self._gaps()
        for stay, following in zip(self.stays, [*self.stays[1:], None], strict=True):
            count = stay.pushed if following is None else following.first_seq - stay.first_seq
            assert count <= stay.pushed + 1, f"room {self.number}: a frame that nobody sent"
            for k in range(count):
                if stay.first_seq + k not in gaps:
                    yield sound.frame(stay.first_index + k, seq=stay.first_seq + k)

    def _difference(self, expected: list[Told], reached: int, stay: Stay) -> str:
        at = reached
        for number, event in enumerate(stay.events):
            at, should = _next(expected, at, stay.first_seq)
            if event != should:
                rest = stay.events[number : number + 3]
                return f"room {self.number}, {stay.first_seq}: {rest}, not {expected[at - 1 :][:3]}"
        return f"room {self.number}: {len(stay.events)} events, as expected but elsewhere"


def _next(expected: list[Told], at: int, first_seq: int) -> tuple[int, Told | None]:
    """The next event that a client is told, and where those after it begin."""
    while at < len(expected):
        event = renumbered(expected[at], first_seq)
        at += 1
        if event is not None:
            return at, event
    return at, None


def _end(expected: list[Told], begin: int, stay: Stay) -> int | None:
    """Where a stay's events end if they begin there; None if they do not."""
    at = begin
    for event in stay.events:
        at, should = _next(expected, at, stay.first_seq)
        if event != should:
            return None
    return at


def undisturbed(rooms: Sequence[Room]) -> list[list[Told]]:
    """What one engine says about what each room heard."""
    engine = Engine(small_model(256), slots=len(rooms), eviction=Eviction.EXACT)
    events: list[list[Event]] = [[] for _ in rooms]
    for room, its_events in zip(rooms, events, strict=True):
        engine.open(options(room.number), its_events.append)
    ears = [(options(room.number).session_id, room.frames_heard()) for room in rooms]
    for _ in range(0, rooms[0].frames, AT_ONCE):
        for session_id, frames in ears:
            for frame in islice(frames, AT_ONCE):
                engine.push(session_id, frame)
        _work_off(engine)
    for session_id, _ in ears:
        engine.finish(session_id)
    _work_off(engine)
    return [[told(event) for event in its_events] for its_events in events]


def _work_off(engine: Engine) -> None:
    while engine.step():
        pass

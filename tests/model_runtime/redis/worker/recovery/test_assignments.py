"""In which order sessions are taken over, and what stays on the list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from interject.model_runtime.engine.journal import Decided, Fed, JournalEntry
from interject.model_runtime.protocol import Closed, CloseReason, SessionOptions
from interject.model_runtime.redis.keys import Keys
from interject.model_runtime.redis.worker.recovery.acquittal_wait import LOOKS, AcquittalWait
from interject.model_runtime.redis.worker.recovery.assignments import Assignments
from interject.model_runtime.redis.worker.recovery.orphaned_session import load
from interject.model_runtime.redis.worker.snapshot_codec import write_journal
from interject.model_runtime.remote import options_codec, wire
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from interject.model_runtime.redis.connection import RedisClient
    from interject.model_runtime.redis.worker.recovery.orphaned_session import OrphanedSession

KEYS = Keys("0")
TRIAL_S = 2.0
LOOK_S = 0.1
DECIDED = [Decided(seq, 0.0, 0.0) for seq in range(3)]


class Will:
    """One session in Redis."""

    def __init__(
        self, *deeds: JournalEntry, written: int = 3, entries: int = 4, worker: str = "me"
    ) -> None:
        self.state = {
            b"state": b"open",
            b"worker": worker.encode(),
            b"epoch": b"7",
            b"written": str(written).encode(),
            b"options": options_codec.encode_options(SessionOptions("a")),
        }
        self.journal = [(b"1-1", {b"j": write_journal(deeds, "1-3", model="m")})] if deeds else []
        self.entries = entries


class Held:
    """A Redis that answers what a survey asks."""

    def __init__(self, **wills: Will) -> None:
        self.wills = wills
        self.todo = list(wills)
        self.asked: list[str] = []
        self._answers: list[Any] = []

    def pipeline(self, *, transaction: bool) -> Held:
        assert not transaction
        return self

    def hgetall(self, name: str) -> None:
        self.asked.append(name.rpartition(":")[2])
        self._answers.append(self._will(name).state)

    def xrange(self, name: str) -> None:
        self._answers.append(self._will(name).journal)

    def xlen(self, name: str) -> None:
        self._answers.append(self._will(name).entries)

    def get(self, name: str) -> None:
        self._answers.append(None)

    def hget(self, name: str, field: str) -> None:
        self._answers.append(self._will(name).state[field.encode()])

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        answers, self._answers = self._answers, []
        return answers

    async def lrem(self, name: str, count: int, key: str) -> None:
        assert (name, count) == (KEYS.todo("me"), 1)
        self.todo.remove(key)

    async def srem(self, name: str, key: str) -> None:
        assert name == KEYS.owned("me")

    def _will(self, name: str) -> Will:
        return self.wills[name.rpartition(":")[2]]


def assignments_here(model: str = "m", clock: FakeClock | None = None) -> Assignments:
    clock = clock or FakeClock()
    wait = AcquittalWait(look_s=LOOK_S, clock=clock)
    return Assignments(KEYS, "me", model=model, trial_s=TRIAL_S, wait=wait, clock=clock)


async def order(assignments: Assignments, held: Held) -> list[OrphanedSession]:
    answer = [key.encode() for key in held.todo]
    return await assignments.by_urgency(cast("RedisClient", held), answer)


async def test_new_ones_come_first_then_replies_then_the_longest_backlog() -> None:
    held = Held(
        idle=Will(*DECIDED, entries=4),
        behind=Will(*DECIDED, entries=9),
        talking=Will(*DECIDED, Fed(5), entries=4),
        new=Will(written=0, entries=1),
        broken=Will(*DECIDED),
    )
    held.wills["broken"].journal[0][1][b"j"] = b"{"
    found = await order(assignments_here(), held)
    assert {orphan.key for orphan in found[:2]} == {"new", "broken"}
    assert [orphan.key for orphan in found[2:]] == ["talking", "behind", "idle"]
    assert [orphan.waiting for orphan in found[2:]] == [1, 6, 1]
    assert [orphan.key for orphan in found if orphan.failure] == ["broken"]


async def test_each_is_looked_at_once_and_stays_until_it_is_struck() -> None:
    held = Held(a=Will(*DECIDED), b=Will(*DECIDED), theirs=Will(*DECIDED, worker="other"))
    assignments = assignments_here()
    assert {orphan.key for orphan in await order(assignments, held)} == {"a", "b"}
    assert held.todo == ["a", "b"]
    await assignments.strike(cast("RedisClient", held), "a")
    assert [orphan.key for orphan in await order(assignments, held)] == ["b"]
    assert held.asked == ["a", "b", "theirs"]


async def test_one_that_was_given_away_and_back_is_looked_at_again() -> None:
    held = Held(a=Will(*DECIDED))
    assignments = assignments_here()
    (before,) = await order(assignments, held)
    held.wills["a"].state[b"epoch"] = b"9"
    assert await load(cast("RedisClient", held), KEYS, before, token="me", model="m") is None
    assignments.forget("a")
    (after,) = await order(assignments, held)
    assert (before.epoch, after.epoch) == (7, 9)


@pytest.mark.parametrize(
    ("options", "written", "session_id", "reason"),
    [
        (b'{"session_id":"call","threshold":7}', b"0", "call", "options: threshold is 7"),
        (b'{"session_id":"call","sampling":{"temperature":1e-40}}', b"3", "call", "temperature"),
        (b'{"session_id":"' + b"x" * 300 + b'"}', b"0", "a", "options: session_id has at least"),
        (b"\xff", b"0", "a", "options: d: Invalid JSON"),
        (b"", b"0", "a", "options: d: Invalid JSON"),
    ],
)
async def test_unreadable_options_are_answered_under_the_right_name(
    options: bytes, written: bytes, session_id: str, reason: str
) -> None:
    held = Held(a=Will())
    held.wills["a"].state |= {b"options": options, b"written": written}
    (orphan,) = await order(assignments_here(), held)
    *first, end = orphan.farewell
    assert isinstance(end, Closed)
    assert (end.session_id, end.reason) == (session_id, CloseReason.FAILURE)
    assert reason in end.detail
    assert first == ([wire.Opened(end.detail)] if written == b"0" else [])


async def test_one_that_could_not_be_read_keeps_no_other_waiting() -> None:
    held = Held(a=Will(*DECIDED, entries=9), b=Will(*DECIDED, entries=4))
    assignments = assignments_here()
    assert [orphan.key for orphan in await order(assignments, held)] == ["a", "b"]
    assignments.postpone("a")
    assert [orphan.key for orphan in await order(assignments, held)] == ["b", "a"]
    await assignments.strike(cast("RedisClient", held), "a")
    held.todo.append("a")
    assert [orphan.key for orphan in await order(assignments, held)] == ["a", "b"]


async def test_what_may_have_cost_workers_their_leases_comes_last_and_ends_at_last() -> None:
    held = Held(bad=Will(written=0), worse=Will(written=0), good=Will(*DECIDED))
    held.wills["bad"].state[b"lost_epochs"] = b"5 6"
    held.wills["worse"].state[b"lost_epochs"] = b"4! 5! 6!"
    good, bad, worse = await order(assignments_here(), held)
    assert [orphan.key for orphan in (good, bad, worse)] == ["good", "bad", "worse"]
    assert (good.failure, bad.failure) == ("", "")
    assert worse.failure == "2 workers that took it over lost their leases"


async def look(assignments: Assignments, held: Held, clock: FakeClock) -> list[str]:
    """Several reads; what is to be taken over after them."""
    clock.advance(LOOK_S)
    for _ in range(3):
        found = [orphan.key for orphan in await order(assignments, held)]
    return found


@pytest.mark.parametrize("lost", [b"4 5 6", b"4! 5! 6"])
async def test_what_stopped_workers_may_still_acquit_is_not_closed_at_once(lost: bytes) -> None:
    held = Held(stopped=Will(*DECIDED), good=Will(*DECIDED))
    held.wills["stopped"].state[b"lost_epochs"] = lost
    clock = FakeClock()
    assignments = assignments_here(clock=clock)
    for _ in range(LOOKS - 1):
        assert await look(assignments, held, clock) == ["good"]
    assert held.asked.count("stopped") == LOOKS - 1
    held.wills["stopped"].state[b"lost_epochs"] = b"4 5"
    assert await look(assignments, held, clock) == ["good", "stopped"]
    (*_, acquitted) = await order(assignments, held)
    assert (acquitted.failure, acquitted.suspect) == ("", True)


async def test_what_nobody_acquits_is_closed_at_last() -> None:
    held = Held(hung=Will(*DECIDED))
    held.wills["hung"].state[b"lost_epochs"] = b"4 5 6"
    clock = FakeClock()
    assignments = assignments_here(clock=clock)
    for _ in range(LOOKS - 1):
        assert await look(assignments, held, clock) == []
    assert await look(assignments, held, clock) == ["hung"]
    (hung,) = await order(assignments, held)
    assert hung.failure == "2 workers that took it over lost their leases"


async def test_a_standstill_of_the_worker_that_waits_shortens_nobody_s_wait() -> None:
    held = Held(stopped=Will(*DECIDED))
    held.wills["stopped"].state[b"lost_epochs"] = b"4 5 6"
    clock = FakeClock()
    assignments = assignments_here(clock=clock)
    for standstill_s in (0.0, 60.0, 0.0, 60.0):
        clock.advance(standstill_s)
        assert await look(assignments, held, clock) == []
    assert held.todo == ["stopped"]


async def test_who_is_given_it_again_waits_anew() -> None:
    held = Held(stopped=Will(*DECIDED))
    held.wills["stopped"].state[b"lost_epochs"] = b"4 5 6"
    clock = FakeClock()
    assignments = assignments_here(clock=clock)
    for epoch in (b"7", b"9"):
        held.wills["stopped"].state[b"epoch"] = epoch
        for _ in range(LOOKS - 1):
            assert await look(assignments, held, clock) == []
    assert await look(assignments, held, clock) == ["stopped"]


async def test_what_cannot_go_on_for_another_reason_waits_for_no_acquittal() -> None:
    held = Held(broken=Will(*DECIDED))
    held.wills["broken"].state |= {b"options": b"", b"lost_epochs": b"4 5 6"}
    (broken,) = await order(assignments_here(), held)
    assert broken.failure.startswith("options: d: Invalid JSON")


async def test_suspects_are_tried_alone_so_that_none_is_blamed_for_another() -> None:
    names = ("bad", "beside", "last")
    held = Held(good=Will(*DECIDED), **{name: Will(written=0) for name in names})
    for name in names:
        held.wills[name].state[b"lost_epochs"] = b"5 6"
    clock = FakeClock()
    assignments, client = assignments_here(clock=clock), cast("RedisClient", held)
    assert [orphan.key for orphan in await order(assignments, held)] == ["good", "bad"]
    await assignments.strike(client, "bad")
    assert [orphan.key for orphan in await order(assignments, held)] == ["good"]
    assert held.todo == ["good", "beside", "last"]
    assignments.acquit("good")
    assert [orphan.key for orphan in await order(assignments, held)] == ["good"]
    assignments.acquit("bad")
    assert [orphan.key for orphan in await order(assignments, held)] == ["good", "beside"]
    await assignments.strike(client, "beside")
    clock.advance(TRIAL_S)
    assert [orphan.key for orphan in await order(assignments, held)] == ["good", "last"]


async def test_what_another_model_made_is_refused_with_the_reason() -> None:
    held = Held(theirs=Will(*DECIDED))
    (orphan,) = await order(assignments_here(model="other"), held)
    assert orphan.failure.startswith("the session was another model's (m, not other); open it anew")

"""When a session leaves the list of what a worker is to take over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from redis.exceptions import ConnectionError

from interject.model_runtime.redis.worker.recovery.adoption import Adoption
from interject.model_runtime.redis.worker.session_table import SessionTable
from interject.model_runtime.telemetry.worker_watch import NoObserver
from tests.model_runtime.redis.worker.recovery.test_assignments import (
    KEYS,
    Held,
    Will,
    assignments_here,
)

if TYPE_CHECKING:
    from interject.model_runtime.redis.connection import RedisClient
    from interject.model_runtime.redis.worker.owned_session import OwnedSession


class Beginning:
    """The part of an engine's host that an adoption needs; what was still on the list then."""

    def __init__(self, held: Held) -> None:
        self._held = held
        self.begun: list[tuple[str, list[str]]] = []

    def admit(self, session: OwnedSession, prefix: object) -> None:
        self.begun.append((session.key, list(self._held.todo)))


class Prompts:
    def prefix(self, options: object) -> tuple[object, ...]:
        return ()


class Cut(Held):
    """A Redis that is gone before it answers that a session was struck, which it was, or not."""

    def __init__(self, *, done: bool, **wills: Will) -> None:
        super().__init__(**wills)
        self._done, self._cut = done, True

    async def lrem(self, name: str, count: int, key: str) -> None:
        cut, self._cut = self._cut, False
        if self._done or not cut:
            await super().lrem(name, count, key)
        if cut:
            raise ConnectionError("lost")


def adoption(held: Held, host: Beginning) -> Adoption:
    table = SessionTable(cast("Any", host), NoObserver(), on_end=lambda key: None)
    return Adoption(
        KEYS, "me", assignments_here(), table, cast("Any", host), cast("Any", object()),
        encoder=cast("Any", Prompts()), model="m", slots=4, observer=NoObserver(),
    )  # fmt: skip


async def adopt(taking: Adoption, held: Held) -> None:
    await taking.adopt(cast("RedisClient", held), [key.encode() for key in held.todo])


async def test_what_the_engine_may_die_of_is_off_the_list_before_the_engine_has_it() -> None:
    held = Held(a=Will(written=0))
    host = Beginning(held)
    await adopt(adoption(held, host), held)
    assert host.begun == [("a", [])]


@pytest.mark.parametrize("done", [True, False])
async def test_one_whose_striking_had_no_answer_is_taken_over_once(done: bool) -> None:
    held = Cut(done=done, a=Will(written=0))
    host = Beginning(held)
    taking = adoption(held, host)
    with pytest.raises(ConnectionError):
        await adopt(taking, held)
    await adopt(taking, held)
    assert [key for key, _ in host.begun] == ["a"]
    assert held.todo == []

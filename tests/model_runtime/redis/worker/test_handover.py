"""A worker that leaves hands over what it has, each session with a last snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from interject.model_runtime.redis.keys import Keys
from interject.model_runtime.redis.timings import Timings
from interject.model_runtime.redis.worker.handover import Handover
from interject.model_runtime.redis.worker.membership import Lease
from interject.model_runtime.redis.worker.owned_session import OwnershipState
from interject.model_runtime.redis.worker.session_table import SessionTable
from interject.model_runtime.telemetry.worker_watch import NoObserver
from tests.model_runtime.redis.worker.owned import EPOCH, owned

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from interject.model_runtime.redis.connection import ShardConnection
    from interject.model_runtime.redis.worker.engine_host import EngineHost
    from interject.model_runtime.redis.worker.owned_session import OwnedSession

KEYS = Keys("0")
RESTORED_AFTER = 3
"""Round trips: one that renews the lease, and two in which it is looked what can be handed over."""


class Leaving:
    """A host and a way to Redis in one. With every round trip a session gets one state further."""

    def __init__(self) -> None:
        self.deeds: list[str] = []
        self.session = owned("a")
        self.round_trips = 0

    def abandon(self, session: OwnedSession) -> None:
        raise AssertionError("nobody took it over")

    def leave(self, session: OwnedSession) -> None:
        session.move(OwnershipState.LEAVING)
        self.deeds.append("leave")

    async def run(self, step: Callable[[Any], Awaitable[None]]) -> None:
        await step(self)
        self.round_trips += 1
        if self.round_trips < RESTORED_AFTER:
            return
        if self.session.state is OwnershipState.RESTORING:
            self.session.move(OwnershipState.SERVING)
        elif self.session.state is OwnershipState.LEAVING:
            self.session.move(OwnershipState.LEFT)

    async def eval(self, script: str, count: int, key: str, *words: object) -> object:
        if key == KEYS.session("a"):
            self.deeds.append(f"release {words[-1]} {self.session.state.value}")
        return [b"ok", 0, [], []]


async def test_one_that_is_being_restored_leaves_once_it_is_there() -> None:
    world, ended = Leaving(), list[str]()
    lease = Lease(KEYS, name="w", slots=1, tenants=(), timings=Timings())
    host = cast("EngineHost", world)
    table = SessionTable(host, NoObserver(), on_end=ended.append)
    table.add(world.session)
    world.session.move(OwnershipState.RESTORING)
    handover = Handover(KEYS, lease, table, host, timings=Timings(), observer=NoObserver())
    await handover.drain(cast("ShardConnection", world))
    assert lease.draining
    assert world.deeds == ["leave", f"release {EPOCH} left"]
    assert (ended, len(table)) == (["a"], 0)

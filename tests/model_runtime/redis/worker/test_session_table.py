"""A worker's one list of sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from interject.model_runtime.redis.worker.owned_session import OwnershipState
from interject.model_runtime.redis.worker.session_table import SessionTable
from interject.model_runtime.telemetry.worker_watch import NoObserver
from tests.model_runtime.redis.worker.owned import owned

if TYPE_CHECKING:
    from interject.model_runtime.redis.worker.engine_host import EngineHost
    from interject.model_runtime.redis.worker.owned_session import OwnedSession


class Fenced(NoObserver):
    def __init__(self) -> None:
        self.ids: list[str] = []

    def fenced(self, session_id: str) -> None:
        self.ids.append(session_id)


class Abandoning:
    """The part of an engine's host that a table needs."""

    def __init__(self) -> None:
        self.abandoned: list[OwnedSession] = []

    def abandon(self, session: OwnedSession) -> None:
        self.abandoned.append(session)


class Scene:
    def __init__(self) -> None:
        self.host, self.observer, self.ended = Abandoning(), Fenced(), list[str]()
        host = cast("EngineHost", self.host)
        self.table = SessionTable(host, self.observer, on_end=self.ended.append)

    def serving(self, *, epoch: int) -> OwnedSession:
        session = owned("a", epoch=epoch)
        self.table.add(session)
        session.move(OwnershipState.SERVING)
        self.table.unwritten[session] = None
        return session


def test_one_that_comes_back_under_a_new_epoch_takes_its_predecessors_place() -> None:
    scene = Scene()
    before = scene.serving(epoch=5)
    after = scene.serving(epoch=6)
    assert scene.host.abandoned == [before]
    assert (before.state, after.state) == (OwnershipState.ENDED, OwnershipState.SERVING)
    assert list(scene.table) == [after]
    assert list(scene.table.unwritten) == [after]
    scene.table.lose(before)
    scene.table.end(before)
    assert list(scene.table) == [after]
    assert (scene.ended, scene.observer.ids) == (["a"], ["a"])
    assert scene.table.taken_away == [("a", 5)]


def test_who_looks_at_all_of_them_may_be_overtaken() -> None:
    scene = Scene()
    session = scene.serving(epoch=5)
    for each in scene.table:
        scene.table.end(each)
    assert (len(scene.table), list(scene.table.keys)) == (0, [])
    assert scene.table.known({"a", "b"}) == []
    assert session.state is OwnershipState.ENDED

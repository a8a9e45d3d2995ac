"""What follows a beat in which the lease was found to have lapsed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from redis.exceptions import ConnectionError

from interject.model_runtime.redis.timings import Timings
from interject.model_runtime.redis.worker.lease_keeper import LeaseKeeper
from interject.model_runtime.redis.worker.membership import Renewal
from interject.model_runtime.redis.worker.session_table import SessionTable
from interject.model_runtime.telemetry.worker_watch import NoObserver

if TYPE_CHECKING:
    from interject.model_runtime.redis.worker.owned_session import OwnedSession

LOST = ("a", 5)


class LapsedOnce:
    """A lease that had lapsed when it was renewed for the first time."""

    def __init__(self) -> None:
        self.renewals = [Renewal(True, (), (), starved=True)]

    async def renew(self, client: object, visited: object) -> Renewal:
        del client, visited
        return self.renewals.pop() if self.renewals else Renewal(False, (), ())


class Failing:
    """A reconciler, one of whose exchanges fails once."""

    def __init__(self, fails: str) -> None:
        self.fails = fails
        self.asked: list[list[OwnedSession]] = []
        self.acquitted: list[tuple[str, int]] = []

    async def count(self, client: object) -> None:
        pass

    async def visit(self, client: object, sessions: object) -> None:
        pass

    async def reclaim(self, client: object, sessions: list[OwnedSession]) -> None:
        self._fail("reclaim")
        self.asked.append(sessions)

    async def acquit(self, client: object, taken_away: list[tuple[str, int]]) -> None:
        self._fail("acquit")
        self.acquitted += taken_away

    def _fail(self, what: str) -> None:
        if what == self.fails:
            self.fails = ""
            raise ConnectionError("lost")


@pytest.mark.parametrize("fails", ["reclaim", "acquit"])
async def test_what_fails_behind_a_beat_is_done_in_the_next_one(fails: str) -> None:
    table = SessionTable(cast("Any", object()), NoObserver(), on_end=lambda key: None)
    table.taken_away.append(LOST)
    reconciler = Failing(fails)
    keeper = LeaseKeeper(
        cast("Any", LapsedOnce()), cast("Any", object()), table, cast("Any", object()),
        cast("Any", reconciler), timings=Timings(beat_s=0.001), renewed=lambda: None,
    )  # fmt: skip
    client = cast("Any", object())
    with pytest.raises(ConnectionError):
        await keeper.beat(client)
    assert reconciler.acquitted == []
    await keeper.beat(client)
    await keeper.beat(client)
    assert reconciler.acquitted == [LOST]
    assert table.taken_away == []


@pytest.mark.parametrize("taken_away", [[], [LOST]])
async def test_only_what_was_taken_away_is_told_and_acquitted(
    taken_away: list[tuple[str, int]], caplog: pytest.LogCaptureFixture
) -> None:
    """After an outage of Redis a lease may have lapsed, or not, and nobody may have noticed."""
    table = SessionTable(cast("Any", object()), NoObserver(), on_end=lambda key: None)
    table.taken_away += taken_away
    reconciler = Failing("")
    keeper = LeaseKeeper(
        cast("Any", LapsedOnce()), cast("Any", object()), table, cast("Any", object()),
        cast("Any", reconciler), timings=Timings(beat_s=0.001), renewed=lambda: None,
    )  # fmt: skip
    await keeper.beat(cast("Any", object()))
    told = "sessions were taken over while this worker computed little"
    assert caplog.messages == ([told] if taken_away else [])
    assert reconciler.acquitted == taken_away

"""Sessions that were given to a worker and that it has not taken over yet."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from interject.model_runtime.redis.worker.recovery.orphaned_session import survey

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from interject.model_runtime.redis.connection import Command, RedisClient
    from interject.model_runtime.redis.keys import Keys
    from interject.model_runtime.redis.worker.recovery.acquittal_wait import AcquittalWait
    from interject.model_runtime.redis.worker.recovery.orphaned_session import OrphanedSession

AT_ONCE = 64


class Assignments:
    """Each is looked at once to find out which ones cannot wait, and read in full when it is its
    turn. It stays on the list in Redis until it was taken over.

    A suspect is tried alone, until something was written for it or for `trial_s`, within which
    it would have cost this worker its lease: the others, still on the list, are not blamed then.
    One that is to be closed for lost leases, but may be acquitted, stays on the list for a `wait`.
    """

    def __init__(
        self,
        keys: Keys,
        token: str,
        *,
        model: str,
        trial_s: float,
        wait: AcquittalWait,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        self._keys = keys
        self._token = token
        self._model = model
        self._trial_s = trial_s
        self._wait = wait
        self._clock = clock
        self._tried = ""
        self._tried_until_s = 0.0
        self._surveyed: dict[str, OrphanedSession] = {}
        self._postponed: set[str] = set()

    @property
    def question(self) -> Command:
        """What `by_urgency` takes the answer of."""
        return "LRANGE", self._keys.todo(self._token), 0, AT_ONCE - 1

    async def by_urgency(
        self, client: RedisClient, answer: Sequence[bytes]
    ) -> list[OrphanedSession]:
        """The most urgent first, and last those that could not be read; one suspect at most."""
        arrived = dict.fromkeys(key.decode() for key in answer)
        due = self._wait.due()
        known = {
            key: orphan
            for key, orphan in self._surveyed.items()
            if key in arrived and not (orphan.failure and (due or not self._wait.lasts(orphan)))
        }
        unknown = [key for key in arrived if key not in known]
        if unknown:
            found = await survey(client, self._keys, unknown, token=self._token, model=self._model)
            self._wait.count(found.values())
            known |= found
            for key in set(unknown) - set(found):
                await self.strike(client, key)
                await client.srem(self._keys.owned(self._token), key)
        self._surveyed = known
        self._wait.keep(known.values())
        self._postponed &= known.keys()
        by_urgency = sorted(known.values(), key=lambda orphan: orphan.urgency, reverse=True)
        found_all = sorted(by_urgency, key=lambda orphan: orphan.key in self._postponed)
        suspects = [orphan for orphan in found_all if orphan.suspect]
        left = suspects if self._on_trial else suspects[1:]
        return [o for o in found_all if o not in left and not self._wait.lasts(o)]

    def acquit(self, key: str) -> None:
        """Something was written for it, or it has gone."""
        if key == self._tried:
            self._tried = ""

    @property
    def _on_trial(self) -> bool:
        return bool(self._tried) and self._clock() < self._tried_until_s

    def postpone(self, key: str) -> None:
        """It failed; perhaps because of what there is of it. No other is to wait for it."""
        self._postponed.add(key)

    def forget(self, key: str) -> None:
        """It was given away since; perhaps to this worker again."""
        self._surveyed.pop(key, None)
        self._postponed.discard(key)

    async def strike(self, client: RedisClient, key: str) -> None:
        """It was taken over, or is somebody else's."""
        orphan = self._surveyed.get(key)
        if orphan is not None and orphan.suspect:
            self._tried, self._tried_until_s = key, self._clock() + self._trial_s
        self.forget(key)
        await client.lrem(self._keys.todo(self._token), 1, key)

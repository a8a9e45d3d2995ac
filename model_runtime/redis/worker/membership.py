"""A worker among others: its claim to what it has, its sign of life, and how one's death is seen.

A lease that lapses makes a worker's sessions anyone's, whatever became of it. A death is seen long
before that.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING

from redis.exceptions import NoPermissionError

from interject.model_runtime.protocol import RuntimeFailure
from interject.model_runtime.redis import notifier, scripts
from interject.model_runtime.redis.errors import WrongNode
from interject.model_runtime.redis.scripts import Script
from interject.model_runtime.redis.timings import Timings, milliseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from redis.asyncio import Redis

    from interject.model_runtime.redis.keys import Keys

STARVED_SHARE = 0.5

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Renewal:
    """`lapsed`: others may have taken sessions meanwhile. `lonely`: sessions without a client, of
    those that were visited. `tenants` are served. `starved`: it lapsed because this process was not
    run, and not because of what it did.
    """

    lapsed: bool
    lonely: tuple[str, ...]
    tenants: tuple[str, ...]
    starved: bool = False


class Lease:
    """`name` is stable; each run of a worker has a `token` of its own.

    While `draining`, the worker offers no slots and takes nothing over. `tenants` are those that
    any worker of the shard was told of.

    A lease may lapse because a session stalls the process, which then computes all the time, or
    because the machine is overloaded, which is no session's fault. So where the process had less
    than `STARVED_SHARE` of a core since the last beat, by `cpu_clock`, it was starved, and acquits
    what it lost. One that hangs for good never gets here, and acquits nothing; one that only stood
    still does, so no session is acquitted without end (`acquit.lua`).
    """

    def __init__(
        self,
        keys: Keys,
        *,
        name: str,
        slots: int,
        tenants: tuple[str, ...],
        timings: Timings,
        clock: Callable[[], float] = time.monotonic,
        cpu_clock: Callable[[], float] = time.process_time,
    ) -> None:
        self.token = f"{name}:{secrets.token_hex(4)}"
        self.tenants = tenants
        self.draining = False
        self._doubtful = False
        self._keys = keys
        self.name = name
        self._slots = slots
        self._timings = timings
        self._clock, self._cpu_clock = clock, cpu_clock
        self._beat_at_s, self._cpu_at_s = clock(), cpu_clock()

    async def register(self, client: Redis) -> None:
        """The lease of a run that was killed may still last: outwait it, once.

        :raises RuntimeFailure: when another worker has the name.
        """
        deadline = perf_counter() + 2 * self._timings.worker_lease_s
        while await self._beat(client) is None:
            if perf_counter() > deadline:
                raise RuntimeFailure(
                    f"a worker named {self.name} is running already; give this one another --name"
                )
            await asyncio.sleep(self._timings.beat_s)

    async def renew(self, client: Redis, visited: Iterable[str] = ()) -> Renewal:
        """Keep what is ours, take over what dead workers had, and see whose client has gone.

        A beat whose answer was lost may have been the one that found the lease lapsed.

        :raises RuntimeFailure: when another worker has the name.
        """
        doubtful, self._doubtful = self._doubtful, True
        renewal = await self._beat(client, visited)
        self._doubtful = False
        if renewal is None:
            raise RuntimeFailure(f"another worker named {self.name} has taken over; stopped")
        self.tenants = renewal.tenants
        lapsed, share = renewal.lapsed or doubtful, self._cpu_share()
        return replace(renewal, lapsed=lapsed, starved=lapsed and share < STARVED_SHARE)

    def _cpu_share(self) -> float:
        """Of a core, since the last beat that was answered."""
        now_s, cpu_s = self._clock(), self._cpu_clock()
        wall_s, used_s = now_s - self._beat_at_s, cpu_s - self._cpu_at_s
        self._beat_at_s, self._cpu_at_s = now_s, cpu_s
        return used_s / max(wall_s, 1e-9)

    async def leave(self, client: Redis) -> None:
        """Give the name up; what this worker still has is anyone's."""
        await client.delete(self._keys.worker(self.token), self._keys.name(self.name))

    async def _beat(self, client: Redis, visited: Iterable[str] = ()) -> Renewal | None:
        verdict, fresh, lonely, tenants = await scripts.run(
            client, Script.BEAT, [self._keys.fleet],
            self._keys.prefix, self.token, self.name, 0 if self.draining else self._slots,
            milliseconds(self._timings.worker_lease_s), milliseconds(self._timings.grace_s),
            0 if self.draining else 1, notifier.LONGEST, " ".join(self.tenants), *visited,
        )  # fmt: skip
        if verdict != b"ok":
            return None
        return Renewal(bool(fresh), _names(lonely), tuple(sorted(_names(tenants))))


class Liveness:
    """A worker's sign of life: a subscription, which Redis ends at once when the process dies.

    `term` tells this worker's subscriptions apart; it is None while none stands.

    Nothing is ever published on the channel: how many listen to it is all that others ask.
    """

    def __init__(self, channel: str, *, wait_s: float) -> None:
        self.term: int | None = None
        self._terms = 0
        self._missed = False
        self._channel = channel
        self._wait_s = wait_s

    async def hold(self, client: Redis) -> None:
        """Listen until that fails.

        :raises WrongNode: when this worker listens where nobody looks.
        """
        try:
            await self._listen(client)
        except NoPermissionError:
            logger.warning("this user may not subscribe; dead workers are found by leases alone")
            await asyncio.Event().wait()
        finally:
            self.interrupted()

    def interrupted(self) -> None:
        """What was seen before may not hold: Redis may have been another one."""
        self.term = None
        self._missed = False

    def missed(self) -> None:
        """Where the others look, this worker does not listen: the shard has moved, perhaps."""
        self._missed = True

    async def _listen(self, client: Redis) -> None:
        """The client may swallow a cancellation, as `always` says."""
        task = asyncio.current_task()
        async with client.pubsub() as subscription:
            await subscription.subscribe(self._channel)
            while task is not None and not task.cancelling():
                message = await subscription.get_message(timeout=self._wait_s)
                if message is not None and message["type"] == "subscribe":
                    self._terms += 1
                    self.term = self._terms
                if self._missed:
                    raise WrongNode("nobody looks here")


class FailureDetector:
    """Finds out that a worker died, long before its lease ends.

    Only who was seen to listen can fall silent, and only while this worker listens as well.

    So nobody is taken for dead when Redis starts again, or another node serves the shard: there
    nobody listens at first.
    """

    def __init__(self, keys: Keys, *, token: str, liveness: Liveness) -> None:
        self._keys = keys
        self._token = token
        self._liveness = liveness
        self._term: int | None = None
        self._seen: set[str] = set()
        self._silent: set[str] = set()

    async def look(self, client: Redis) -> bool:
        """Whether somebody's lease was ended, so that what it had is anyone's.

        That takes two looks in a row: who lost only the connection has the time between them.
        """
        term, suspects = self._liveness.term, self._suspects()
        if term is None:
            return False
        here, ended, *found = await scripts.run(
            client, Script.LOOK, [self._keys.fleet], self._keys.prefix, self._token, *suspects
        )
        if ended:
            logger.warning("workers have died", extra={"count": ended})
        if term == self._liveness.term:
            if here:
                self._note(dict(zip(found[::2], found[1::2], strict=True)), suspects)
            else:
                self._liveness.missed()
        return bool(ended)

    def _suspects(self) -> set[str]:
        """Who was silent at the last look, if that was made under the present subscription."""
        if self._term != self._liveness.term:
            self._term = self._liveness.term
            self._seen.clear()
            self._silent.clear()
        suspects, self._silent = self._silent, set()
        return suspects

    def _note(self, found: dict[bytes, int], suspects: set[str]) -> None:
        """Who was found dead is to be seen again first: a worker may live without listening."""
        silent = {token.decode() for token, listens in found.items() if not listens}
        listening = {token.decode() for token, listens in found.items() if listens}
        self._silent = (silent & self._seen) - suspects
        self._seen = listening | self._silent


def _names(words: Iterable[bytes]) -> tuple[str, ...]:
    return tuple(word.decode() for word in words)

"""A runtime whose sessions live in workers behind Redis. Needs no torch."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import (
    CloseReason,
    RuntimeBusy,
    RuntimeFailure,
    SessionClosed,
)
from interject.model_runtime.redis.address import Address
from interject.model_runtime.redis.client.capacity import Capacity
from interject.model_runtime.redis.client.shard import Shard
from interject.model_runtime.redis.errors import FAILURES, RedisAway, passes
from interject.model_runtime.redis.timings import Timings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.model_runtime.protocol import SessionOptions
    from interject.model_runtime.redis.client.session import RedisSession


class RedisRuntime:
    """Many sessions of this process on whatever workers there are, on one shard or several."""

    def __init__(self, url: str, *, timings: Timings | None = None) -> None:
        self._address = Address.parse(url)
        self._timings = timings or Timings()
        token = secrets.token_hex(16)
        self._shards = tuple(
            Shard(self._address, name, token=token, timings=self._timings)
            for name in self._address.shards
        )
        self._stopped = False

    async def __aenter__(self) -> RedisRuntime:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    async def open(self, options: SessionOptions) -> RedisSession:
        """Begin a session, or go on with one whose client has gone."""
        if self._stopped:
            raise SessionClosed("the runtime has stopped; open a new one")
        shards = await self._start()
        key = self._address.session_name(options.session_id)
        if any(self._has(shard, key) for shard in shards):
            raise RuntimeFailure(f"session {options.session_id} is open already")
        try:
            session = await self._begin(shards, key, options)
        except FAILURES as error:
            raise self._address.explain(error) from None
        try:
            async with asyncio.timeout(self._timings.open_s):
                await session.opened
        except TimeoutError:
            session.begin_close(CloseReason.FAILURE)
            raise RuntimeFailure("the worker that should take the session is silent") from None
        except asyncio.CancelledError:
            session.begin_close(CloseReason.CLIENT)
            raise
        return session

    async def free_slots(self) -> int | None:
        """How many sessions could be opened now on the shards that answer, in one round trip.

        None: no worker has shown itself, which may be so for a moment only; `open` waits for one.

        :raises RuntimeFailure: when Redis cannot be used; `RedisAway` may pass.
        """
        if self._stopped:
            raise SessionClosed("the runtime has stopped; open a new one")
        try:
            answers = await _asked(self._shards, f"{self._address.tenant}.")
        except FAILURES as error:
            raise self._address.explain(error) from None
        capacities = [answer for answer in answers if isinstance(answer, Capacity)]
        away = [answer for answer in answers if isinstance(answer, BaseException)]
        if not capacities:
            raise self._address.explain(away[0])
        if not any(capacity.slots for capacity in capacities):
            return None
        return sum(max(0, capacity.slots - capacity.taken) for capacity in capacities)

    async def aclose(self) -> None:
        """Close every session; what no worker confirms within `close_s` is closed here."""
        self._stopped = True
        open_sessions = [s for shard in self._shards for s in shard.sessions.values()]
        for session in open_sessions:
            session.begin_close(CloseReason.SHUTDOWN)
        await asyncio.gather(*(session.closed.wait() for session in open_sessions))
        await self._stop()

    async def _stop(self) -> None:
        for shard in self._shards:
            await shard.stop()

    async def _start(self) -> Sequence[Shard]:
        """The shards that can be reached.

        :raises RuntimeFailure: when none can, or one cannot be used at all.
        """
        starts = await asyncio.gather(*(s.start() for s in self._shards), return_exceptions=True)
        troubles = [trouble for trouble in starts if trouble is not None]
        lasting = [trouble for trouble in troubles if not isinstance(trouble, RedisAway)]
        if lasting or len(troubles) == len(self._shards):
            raise (lasting or troubles)[0]
        pairs = zip(self._shards, starts, strict=True)
        return [shard for shard, trouble in pairs if trouble is None]

    # Choosing a shard

    async def _begin(
        self, shards: Sequence[Shard], key: str, options: SessionOptions
    ) -> RedisSession:
        """Where the session is already, or else on the least loaded shard that has room."""
        if len(self._shards) == 1:
            return await shards[0].begin(key, options)
        found = await _capacities(shards, key)
        known = [shard for shard, capacity in found if capacity.known]
        if known:
            return await known[0].begin(key, options)
        refusal: Exception = RuntimeFailure(f"{self._address.name}: no shard answers")
        served = [pair for pair in found if pair[1].slots] or found
        for shard, _ in sorted(served, key=lambda pair: pair[1].load):
            try:
                session = await shard.begin(key, options)
            except FAILURES as error:
                refusal = refusal if isinstance(refusal, RuntimeBusy) else error
            else:
                others = [other for other in shards if other is not shard]
                await _only_here(session, await _capacities(others, key))
                return session
        raise refusal

    def _has(self, shard: Shard, key: str) -> bool:
        return key in shard.sessions and not shard.sessions[key].closed.is_set()


async def _capacities(shards: Sequence[Shard], key: str) -> list[tuple[Shard, Capacity]]:
    """Of the shards that answer."""
    pairs = zip(shards, await _asked(shards, key), strict=True)
    return [(shard, answer) for shard, answer in pairs if isinstance(answer, Capacity)]


async def _asked(shards: Sequence[Shard], key: str) -> list[Capacity | BaseException]:
    """What each shard answers, or why it cannot be asked now.

    :raises Exception: what does not pass.
    """
    answers = await asyncio.gather(
        *(shard.capacity(key) for shard in shards), return_exceptions=True
    )
    for answer in answers:
        if isinstance(answer, BaseException) and not passes(answer):
            raise answer
    return answers


async def _only_here(session: RedisSession, elsewhere: Sequence[tuple[Shard, Capacity]]) -> None:
    """Two clients may have placed one session at the same time: then neither has it."""
    if any(capacity.known for _, capacity in elsewhere):
        session.begin_close(CloseReason.FAILURE)
        raise RuntimeFailure(f"session {session.session_id} is open already, in another client")

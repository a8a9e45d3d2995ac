"""What clients sent to a worker's sessions, read from Redis and given to the engine's thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.model_runtime.redis.errors import FAILURES, is_cut, raise_errors
from interject.model_runtime.redis.keys import tenant_of
from interject.model_runtime.redis.notifier import NoticeReader, names_in
from interject.model_runtime.redis.rate_limiter import RateLimiter
from interject.model_runtime.redis.round_robin import RoundRobin
from interject.model_runtime.redis.worker.intake import ENTRIES_A_READ
from interject.model_runtime.redis.worker.owned_session import OwnershipState
from interject.model_runtime.redis.worker.token_encoding import encode_texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interject.model_runtime.engine.prompt_encoder import PromptEncoder
    from interject.model_runtime.redis.connection import RedisClient
    from interject.model_runtime.redis.keys import Keys
    from interject.model_runtime.redis.sieve import Sieve
    from interject.model_runtime.redis.streams import Entries
    from interject.model_runtime.redis.timings import Timings
    from interject.model_runtime.redis.worker.engine_host import EngineHost
    from interject.model_runtime.redis.worker.membership import Lease
    from interject.model_runtime.redis.worker.recovery.adoption import Adoption
    from interject.model_runtime.redis.worker.session_table import SessionTable
    from interject.model_runtime.redis.worker.token_encoding import Input

HURRIES_A_READ = 4
"""Further reads of streams that are full of what cannot be read."""
_UNREAD = (OwnershipState.LEAVING, OwnershipState.LEFT)


class InputReader:
    """Reads where a notice says that there is something, and everywhere in turn; also the list of
    what this worker is to take over. `refused_entries` counts what could not be read.
    """

    def __init__(
        self,
        keys: Keys,
        lease: Lease,
        sessions: SessionTable,
        host: EngineHost,
        adoption: Adoption,
        *,
        encoder: PromptEncoder,
        sieve: Sieve,
        timings: Timings,
    ) -> None:
        self._keys = keys
        self._lease = lease
        self._sessions = sessions
        self._host = host
        self._adoption = adoption
        self._encoder = encoder
        self._sieve = sieve
        self._notices = NoticeReader(wait_s=timings.wait_s, sieve=sieve)
        self._rounds = RoundRobin(timings.round_s)
        self._reads = RateLimiter(timings.tick_s)
        self._hurried: set[str] = set()
        self.refused_entries = 0

    async def read(self, client: RedisClient) -> None:
        """Wait for news, and read what there is."""
        try:
            await self._read_streams(client)
        except FAILURES as error:
            if is_cut(error):
                self._sieve.beware()
            raise

    async def _read_streams(self, client: RedisClient) -> None:
        await self._reads.turn()
        told = set(self._rounds.turn(self._sessions.keys))
        streams = [self._keys.news(tenant) for tenant in self._lease.tenants]
        for owner, fields in await self._notices.follow(client, streams):
            told.update(name for name in names_in(fields) if tenant_of(name) == owner)
        places = {self._keys.input(s.key): s.intake.read_to for s in self._sessions.known(told)}
        reads = (self._sieve.question(places, count=ENTRIES_A_READ),) if places else ()
        assigned, *inputs = await client.exchange((self._adoption.question, *reads))
        raise_errors((assigned, *inputs))
        taken: list[Input] = []
        for key, entries in self._sieve.entries(inputs[0] if inputs else None):
            taken += self._take_in(key, entries, ENTRIES_A_READ)
        await self._put(taken)
        for _ in range(HURRIES_A_READ):
            if self._hurried:
                await self._hurry(client)
        if assigned:
            await self._adoption.adopt(client, assigned)

    async def _put(self, taken: list[Input]) -> None:
        """What was read is not read again: it must not be lost to an error of the next read."""
        if taken:
            self._host.put(await encode_texts(self._encoder, taken))

    async def _hurry(self, client: RedisClient) -> None:
        """More of the streams that are full of rubbish, for what may stand behind it."""
        hurried, self._hurried = self._sessions.known(self._hurried), set()
        for session in hurried:
            taken: list[Input] = []
            intake = session.intake
            count, place = intake.hurry, {self._keys.input(session.key): intake.read_to}
            answer = await client.ask(self._sieve.question(place, count=count))
            for key, entries in self._sieve.entries(answer):
                taken += self._take_in(key, entries, count)
            await self._put(taken)

    def _take_in(self, key: str, page: Entries, asked_for: int) -> Iterator[Input]:
        session = self._sessions.get(key)
        if session is None or session.state in _UNREAD:
            return
        intake = session.intake
        refused = intake.refused
        for entry, item in intake.take(key, page, asked_for=asked_for):
            yield session, entry, item
        self.refused_entries += intake.refused - refused
        if intake.hurry:
            self._hurried.add(key)

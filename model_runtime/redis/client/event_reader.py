"""Reading the events of all sessions of a shard, over one connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redis.exceptions import ResponseError

from interject.model_runtime.redis.client.damage import SessionKey
from interject.model_runtime.redis.errors import Handling, handling
from interject.model_runtime.redis.notifier import NoticeReader, names_in
from interject.model_runtime.redis.rate_limiter import RateLimiter
from interject.model_runtime.redis.round_robin import RoundRobin
from interject.model_runtime.redis.streams import read, read_entries

if TYPE_CHECKING:
    from interject.model_runtime.redis.client.opening import Opening
    from interject.model_runtime.redis.client.session import RedisSession
    from interject.model_runtime.redis.client.session_registry import SessionRegistry
    from interject.model_runtime.redis.connection import RedisClient
    from interject.model_runtime.redis.keys import Keys
    from interject.model_runtime.redis.timings import Timings

ENTRIES_A_READ = 256


class EventReader:
    """Reads where notices say that there is something, and all streams in turn. `notices` is this
    client's stream of them; answers to what `opening` asked are there too.
    """

    def __init__(
        self,
        keys: Keys,
        notices: str,
        registry: SessionRegistry,
        opening: Opening,
        timings: Timings,
    ) -> None:
        self._keys = keys
        self.notices = notices
        self._registry = registry
        self._opening = opening
        self._notice_reader = NoticeReader(wait_s=timings.wait_s, trusted=True)
        self._in_turn = RoundRobin(timings.round_s)
        self._rate = RateLimiter(timings.tick_s)

    async def read(self, client: RedisClient) -> None:
        await self._rate.turn()
        told = set(self._in_turn.turn(self._registry.sessions))
        for _, fields in await self._notice_reader.follow(client, (self.notices,)):
            self._opening.hear(fields)
            told.update(names_in(fields))
        sessions = self._registry.known(told)
        if not sessions:
            return
        asked = {session.key: session for session in sessions}
        for key, entries in read_entries(await self._outputs(client, sessions)):
            for entry, fields in entries:
                asked[key].receive(entry, fields)
            self._registry.availability.served(asked[key])
        for session in sessions:
            if session.closed.is_set():
                self._registry.drop(session)

    async def _outputs(self, client: RedisClient, sessions: list[RedisSession]) -> list[Any]:
        """What `read_entries` reads. Where one stream is none, the others are read all the same."""
        places = {self._keys.output(session.key): session.read_to for session in sessions}
        try:
            return await client.ask(read(places, count=ENTRIES_A_READ)) or []
        except ResponseError as error:
            if handling(error) is not Handling.SESSION:
                raise
        alone = [read(dict([place]), count=ENTRIES_A_READ) for place in places.items()]
        found: list[Any] = []
        for session, entries in zip(sessions, await client.exchange(alone), strict=True):
            if self._registry.is_usable(session, SessionKey.OUTPUT, entries):
                found += entries or ()
        return found

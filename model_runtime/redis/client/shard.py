"""The sessions that this process has on one shard.

One connection reads the events of all of them, one writes their frames and controls, a third says
that this client is still there.
"""

from __future__ import annotations

import asyncio
import logging
import math
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

from redis.exceptions import ConnectionError, RedisError, ResponseError

from interject.model_runtime.names import shown
from interject.model_runtime.protocol import CloseReason, RuntimeBusy, RuntimeFailure
from interject.model_runtime.redis.client.damage import Damage, SessionKey
from interject.model_runtime.redis.client.opening import ASK_AGAIN_S, Opening
from interject.model_runtime.redis.client.resume import next_seq
from interject.model_runtime.redis.client.session import RedisSession
from interject.model_runtime.redis.client.worker_availability import WorkerAvailability
from interject.model_runtime.redis.connection import ShardConnection
from interject.model_runtime.redis.errors import (
    FAILURES,
    Handling,
    handling,
    is_there_already,
    raise_errors,
)
from interject.model_runtime.redis.keys import Keys
from interject.model_runtime.redis.node_resolver import NodeResolver
from interject.model_runtime.redis.notifier import NoticeReader, names_in, notify
from interject.model_runtime.redis.outage import Outage
from interject.model_runtime.redis.rate_limiter import RateLimiter, sleep_unless
from interject.model_runtime.redis.requests import OpenVerdict
from interject.model_runtime.redis.retry import repeat_forever
from interject.model_runtime.redis.round_robin import RoundRobin
from interject.model_runtime.redis.streams import add, read, read_entries

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from redis.asyncio import Redis

    from interject.model_runtime.protocol import SessionOptions
    from interject.model_runtime.redis.address import Address
    from interject.model_runtime.redis.connection import Command, RedisClient
    from interject.model_runtime.redis.requests import OpenAnswer, OpenRequest
    from interject.model_runtime.redis.timings import Timings
    from interject.model_runtime.remote import wire

LONGEST_INPUT = 1_000
ENTRIES_A_READ = 256
ENTRIES_AT_ONCE = 256
"""Redis keeps all of them twice for a moment: 3 MB, and at most one session's more."""
ATTENDED_AT_ONCE = 32
WATCH_EVERY = 0.1
"""Of the time after which a session is lost."""
BUSY_RETRY_S = 5.0

Sending = tuple[RedisSession, int, "wire.Fields"]
"""An entry of a session, with its number."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a shard's workers hold and could hold; `known` says that a session is there already."""

    known: bool
    taken: int
    slots: int

    @property
    def load(self) -> float:
        """Share of the slots that is taken."""
        return self.taken / self.slots if self.slots else 1.0


class Shard:
    """`token` names this process as a client."""

    def __init__(self, address: Address, name: str, *, token: str, timings: Timings) -> None:
        self.sessions: dict[str, RedisSession] = {}
        self._address = address
        self._keys = Keys(name)
        self._home = NodeResolver(address, self._keys)
        self._token = token
        self._timings = timings
        self._missing_since: dict[str, float] = {}
        self._again: dict[str, OpenRequest] = {}
        self._asked_at = -math.inf
        self._beat_at = 0.0
        self._looked_at = -math.inf
        self._taken: set[str] = set()
        self._hurry = asyncio.Event()
        self._news = asyncio.Event()
        self._unsent: set[str] = set()
        self._notices = self._keys.notices(address.tenant, token)
        self._follower = NoticeReader(wait_s=timings.wait_s)
        self._rota = RoundRobin(timings.round_s)
        self._attended = RoundRobin(timings.beat_s)
        self._reads, self._writes = RateLimiter(timings.tick_s), RateLimiter(timings.tick_s)
        self._outage = Outage()
        self._damage = Damage(timings.lost_s)
        self._staffing = WorkerAvailability(timings)
        self._starting = asyncio.Lock()
        self._running: asyncio.Task[None] | None = None
        self._resending = True
        self._calling = ShardConnection(self._home)
        self._opening = Opening(address, self._keys, self._calling, token=token, timings=timings)

    async def start(self) -> None:
        """Find out whether Redis can be used, once; after it could not be used any more, again.

        :raises RuntimeFailure: when it cannot.
        """
        async with self._starting:
            if self._running is None:
                await self._calling.check()
                self._running = asyncio.create_task(self._run(), name="interject-redis")

    async def stop(self) -> None:
        """Leave the sessions to themselves."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
        await self._calling.aclose()

    async def room(self, name: str) -> Capacity:
        """How full the shard is, and whether it has a session."""

        async def step(client: Redis) -> tuple[bytes | None, int]:
            pipeline = client.pipeline(transaction=False)
            pipeline.get(self._keys.room(self._address.tenant))
            pipeline.exists(self._keys.client(name))
            room, known = await pipeline.execute()
            return room, known

        room, known = await self._calling.run(step)
        taken, slots = map(int, (room or b"0 0").split())
        return Capacity(bool(known), taken, slots)

    async def begin(self, name: str, options: SessionOptions) -> RedisSession:
        """Begin a session, or go on with one whose client has gone.

        :raises RuntimeBusy: when every slot is taken.
        :raises RuntimeFailure: when nobody can take it, or another client has it.
        """
        answer = await self._opening.ask(
            name, options, unwanted=lambda late: self._turn_down(name, options, late)
        )
        match answer.verdict:
            case OpenVerdict.IN_USE:
                raise RuntimeFailure(
                    f"session {options.session_id} is open already, in another client"
                )
            case OpenVerdict.BUSY:
                raise RuntimeBusy("every slot of every worker is taken", retry_after_s=BUSY_RETRY_S)
            case OpenVerdict.REFUSED:
                raise RuntimeFailure(answer.error)
        resumes_at = 0
        if answer.verdict is OpenVerdict.ATTACHED:
            resumes_at = await self._calling.run(lambda client: next_seq(client, self._keys, name))
        return self._join(name, options, answer, resumes_at)

    def _join(
        self, name: str, options: SessionOptions, answer: OpenAnswer, resumes_at: int = 0
    ) -> RedisSession:
        session = RedisSession(
            options,
            name,
            generation=answer.generation,
            read_to=answer.read_to,
            resumes_at=resumes_at,
            answer_s=self._timings.open_s,
            close_s=self._timings.close_s,
            wake=lambda: self._mark(name),
            reply_taken=self._reply_taken,
        )
        session.grace_ms = answer.grace_ms
        if answer.verdict is OpenVerdict.ATTACHED:
            session.opened.set_result(None)
        self.sessions[name] = session
        self._staffing.served(session)
        return session

    def _turn_down(self, name: str, options: SessionOptions, late: OpenAnswer) -> None:
        """Whoever asked for the session has gone; its slot is for others."""
        if late.verdict in (OpenVerdict.PLACED, OpenVerdict.ATTACHED) and name not in self.sessions:
            self._join(name, options, late).begin_close(CloseReason.CLIENT)

    # While it runs

    async def _run(self) -> None:
        reading, attending = ShardConnection(self._home), ShardConnection(self._home)
        writing = ShardConnection(self._home, self._connected)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._always(self._read, reading), name="read")
                group.create_task(self._always(self._write, writing), name="write")
                group.create_task(self._always(self._attend, attending), name="attend")
                group.create_task(self._watch(), name="watch")
        except* RuntimeFailure as failures:
            self._give_up(str(failures.exceptions[0]))
        except* Exception:
            logger.exception("the connection to redis failed")
            self._give_up("the connection to Redis failed; see the log")
        finally:
            for link in (reading, writing, attending):
                await link.aclose()

    def _give_up(self, why: str) -> None:
        """Whoever opens the next session starts anew."""
        logger.error(
            "redis cannot be used any more; its sessions end", extra={"count": len(self.sessions)}
        )
        for session in list(self.sessions.values()):
            session.end(CloseReason.FAILURE, why)
            self._drop(session)
        self._running = None

    async def _always(
        self, step: Callable[[RedisClient], Awaitable[None]], link: ShardConnection
    ) -> None:
        await repeat_forever(step, link, self._timings, self._outage)

    async def _read(self, client: RedisClient) -> None:
        await self._reads.turn()
        told = set(self._rota.turn(self.sessions))
        for _, fields in await self._follower.follow(client, (self._notices,)):
            self._opening.hear(fields)
            told.update(names_in(fields))
        sessions = self._known(told)
        if not sessions:
            return
        asked = {session.key: session for session in sessions}
        for key, entries in read_entries(await self._outputs(client, sessions)):
            for entry, fields in entries:
                asked[key].receive(entry, fields)
            self._staffing.served(asked[key])
        for session in sessions:
            if session.closed.is_set():
                self._drop(session)

    async def _watch(self) -> None:
        """Whatever Redis does meanwhile."""
        while True:
            await asyncio.sleep(WATCH_EVERY * self._timings.lost_s)
            for session in self.sessions.values():
                self._staffing.check(session, redis_away=self._outage.lasts)

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
            if self._is_usable(session, SessionKey.OUTPUT, entries):
                found += entries or ()
        return found

    def _is_usable(self, session: RedisSession, part: SessionKey, answer: object) -> bool:
        """Whether a part of a session is as it should be.

        :raises RedisError: when Redis could not say.
        """
        if isinstance(answer, RedisError):
            if handling(answer) is not Handling.SESSION:
                raise answer
            self._damage.found(session, part)
            return False
        self._damage.mended(session, part)
        return True

    def _drop(self, session: RedisSession) -> None:
        """Under its key there may be another one by now."""
        self._damage.forget(session)
        self._staffing.forget(session)
        if self.sessions.get(session.key) is session:
            del self.sessions[session.key]
            self._missing_since.pop(session.key, None)
            self._again.pop(session.key, None)

    def _known(self, keys: set[str]) -> list[RedisSession]:
        return [self.sessions[key] for key in keys if key in self.sessions]

    def _connected(self) -> None:
        """A new connection may lead to a Redis that forgot everything: first say it all again.

        What is about to be sent was put together before that was known, so it must not go out.
        """
        self._resending = not self._resending
        if self._resending:
            for session in self.sessions.values():
                session.outbox.send_again()
                self._mark(session.key)
            raise ConnectionError("connected anew")

    async def _write(self, client: RedisClient) -> None:
        await self._news.wait()
        await self._writes.turn()
        self._news.clear()
        sending, self._unsent = self._unsent, set()
        try:
            await self._flush(client, self._known(sending))
        except FAILURES:
            self._unsent |= sending
            self._news.set()
            raise

    def _mark(self, key: str) -> None:
        """Something waits to be sent. What is overlooked is marked again by `attend`."""
        self._unsent.add(key)
        self._news.set()

    async def _flush(self, client: RedisClient, sessions: list[RedisSession]) -> None:
        """All that is unsent, the oldest first: of one session at once or not at all."""
        entries: list[Sending] = []
        for session in sessions:
            if session.key not in self._missing_since:
                entries += [
                    (session, number, fields) for number, fields in session.unsent_entries()
                ]
            if len(entries) >= ENTRIES_AT_ONCE:
                await self._send(client, entries)
                entries = []
        if entries:
            await self._send(client, entries)

    async def _send(self, client: RedisClient, entries: list[Sending]) -> None:
        """No entry may overtake an earlier one, so either all are written or none."""
        commands = [
            add(
                self._keys.input(session.key), f"{session.generation}-{number}", fields,
                longest=LONGEST_INPUT,
            )
            for session, number, fields in entries
        ]  # fmt: skip
        names = {session.key for session, *_ in entries}
        commands.append(notify(self._keys.news(self._address.tenant), names))
        *results, _ = await client.transact(commands)
        for (session, number, _), result in zip(entries, results, strict=True):
            if is_there_already(result):
                session.outbox.sent(number)
            elif result is None:
                self._damage.found(session, SessionKey.INPUT)
                session.outbox.send_again()
            elif self._is_usable(session, SessionKey.INPUT, result):
                session.outbox.sent(number)
            else:
                session.outbox.send_again()

    async def _attend(self, client: RedisClient) -> None:
        """All sessions in turn, each once a beat, few at a time: what comes in between goes first.

        At once those in which the begin of a reply was taken: so another client is not told of a
        reply again that this one may have let be heard.
        """
        due = perf_counter() >= self._beat_at
        keys = self._taken.union(self._attended.turn(self.sessions) if due else ())
        self._taken.clear()
        self._hurry.clear()
        sessions = [s for s in self._known(keys) if s.key not in self._again]
        for first in range(0, len(sessions), ATTENDED_AT_ONCE):
            await self._attend_to(client, sessions[first : first + ATTENDED_AT_ONCE])
        if due:
            await self._ask_again(client)
            turns = max(1, math.ceil(len(self.sessions) / ATTENDED_AT_ONCE))
            self._beat_at = perf_counter() + self._timings.beat_s / turns
        await sleep_unless(self._hurry, max(0.0, self._beat_at - perf_counter()))

    async def _attend_to(self, client: RedisClient, sessions: list[RedisSession]) -> None:
        commands: list[Command] = [
            (
                "SET", self._keys.client(s.key), f"{self._token} {s.generation} {s.taken_to}",
                "XX", "GET", "PX", s.grace_ms,
            )
            for s in sessions
        ]  # fmt: skip
        looks = perf_counter() >= self._looked_at + self._timings.beat_s
        if looks:
            self._looked_at = perf_counter()
            commands.append(("GET", self._keys.room(self._address.tenant)))
        answers = await client.exchange(commands)
        if looks:
            self._staffing.found(workers=answers.pop() is not None)
        for session, before in zip(sessions, answers, strict=True):
            if self._is_usable(session, SessionKey.CLIENT, before):
                self._judge(session, before)

    def _reply_taken(self, key: str) -> None:
        self._taken.add(key)
        self._hurry.set()

    def _judge(self, session: RedisSession, before: bytes | None) -> None:
        """`before` is what this client or another one wrote there last, None that there was none:
        then Redis does not know the session.
        """
        if before is None:
            self._missing_since.setdefault(session.key, perf_counter())
            return
        token, _, rest = before.decode("ascii", "replace").partition(" ")
        generation = rest.partition(" ")[0]
        if token != self._token and generation.isdecimal() and int(generation) > session.generation:
            session.end(CloseReason.FAILURE, "another client has taken this session")
            return
        self._missing_since.pop(session.key, None)
        self._staffing.known(session)
        if session.outbox.unsent():
            self._mark(session.key)

    async def _ask_again(self, client: RedisClient) -> None:
        """For what no worker has brought back: Redis and the worker died together."""
        now = perf_counter()
        for session in self._known(set(self._missing_since)):
            lost = now - self._missing_since[session.key] > self._timings.lost_s
            if lost and not session.ending and session.key not in self._again:
                request, answered = self._opening.prepare(session.key, session.options)
                self._again[session.key] = request
                answered.add_done_callback(partial(self._begin_again, session))
        if self._again and now - self._asked_at > ASK_AGAIN_S:
            self._asked_at = now
            commands = [self._opening.command(request) for request in self._again.values()]
            raise_errors(await client.exchange(commands))

    def _begin_again(self, session: RedisSession, answered: asyncio.Future[OpenAnswer]) -> None:
        """With another worker, which counts from 0: nothing was sent since it was asked, and what
        is in flight now was written before the session was missed.
        """
        answer = answered.result()
        self._again.pop(session.key, None)
        if session.closed.is_set():
            self._turn_down(session.key, session.options, answer)
        elif answer.verdict is OpenVerdict.PLACED:
            logger.warning("a session begins again", extra={"session": shown(session.key)})
            self._missing_since.pop(session.key, None)
            self._staffing.served(session)
            session.begin_again(answer.generation, answer.read_to)

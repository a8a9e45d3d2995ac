"""The sessions that this process has on one shard.

One connection reads the events of all of them, one writes their frames and controls, a third says
that this client is still there.
"""

from __future__ import annotations

import asyncio
import logging
import math
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

from redis.exceptions import ConnectionError, ResponseError

from interject.model_runtime.protocol import CloseReason, RuntimeBusy, RuntimeFailure
from interject.model_runtime.redis import scripts
from interject.model_runtime.redis.bell import Bell
from interject.model_runtime.redis.cluster import Home
from interject.model_runtime.redis.connection import MOST_CALLS
from interject.model_runtime.redis.errors import FAILURES, passes
from interject.model_runtime.redis.keys import Keys
from interject.model_runtime.redis.link import Link
from interject.model_runtime.redis.outage import Outage
from interject.model_runtime.redis.pace import Pace, sleep_unless
from interject.model_runtime.redis.resume import next_seq
from interject.model_runtime.redis.retry import Backoff, always
from interject.model_runtime.redis.rota import Rota
from interject.model_runtime.redis.scripts import Script
from interject.model_runtime.redis.session import RedisSession
from interject.model_runtime.redis.streams import add, read, read_entries
from interject.model_runtime.redis.timings import milliseconds
from interject.model_runtime.remote import wire

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from interject.model_runtime.protocol import SessionOptions
    from interject.model_runtime.redis.client import Client
    from interject.model_runtime.redis.connection import Address
    from interject.model_runtime.redis.timings import Timings

LONGEST_INPUT = 1_000
ENTRIES_A_READ = 256
LETTERS_AT_ONCE = 256
"""Redis keeps all of them twice for a moment: 3 MB, and at most one session's more."""
ATTENDED_AT_ONCE = 32
"""While a script runs, Redis does nothing else."""
BUSY_RETRY_S = 5.0
UNTOLD_GENERATION = 1
"""Of a client that was placed and did not hear its own: no other gets one so low."""
PATIENCE_LEASES = 2
"""A worker that lives shows itself within a lease."""

Sending = tuple[RedisSession, int, "wire.Fields"]
"""An entry of a session, with its number."""

logger = logging.getLogger(__name__)


class Deserted(RuntimeFailure):
    """A shard has no worker; this may pass."""


@dataclass(frozen=True, slots=True)
class Room:
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
        self._home = Home(address, self._keys)
        self._token = token
        self._timings = timings
        self._missing_since: dict[str, float] = {}
        self._doubtful: set[str] = set()
        self._beat_at = 0.0
        self._taken: set[str] = set()
        self._hurry = asyncio.Event()
        self._news = asyncio.Event()
        self._unsent: set[str] = set()
        self._heard = Bell(self._keys.output_bell, wait_s=timings.wait_s)
        self._told = Bell(self._keys.input_bell, wait_s=timings.wait_s)
        self._rota = Rota(timings.round_s)
        self._attended = Rota(timings.beat_s)
        self._reads, self._writes = Pace(timings.tick_s), Pace(timings.tick_s)
        self._outage = Outage()
        self._starting = asyncio.Lock()
        self._running: asyncio.Task[None] | None = None
        self._resending = True
        self._calling = Link(self._home)
        self._calls = asyncio.Semaphore(MOST_CALLS)

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

    async def room(self, key: str) -> Room:
        """How full the shard is, and whether it has a session."""
        async with self._calls:
            known, taken, slots = await self._calling.run(
                lambda client: scripts.run(
                    client, Script.ROOM, [self._keys.fleet], self._keys.prefix, key
                )
            )
        return Room(bool(known), taken, slots)

    async def begin(self, key: str, options: SessionOptions) -> RedisSession:
        """Begin a session, or go on with one whose client has gone.

        :raises RuntimeBusy: when every slot is taken.
        :raises RuntimeFailure: when nobody can take it, or another client has it.
        """
        async with self._calls:
            session = await self._settled(lambda client: self._begin(client, key, options))
        await self.start()
        self.sessions[key] = session
        return session

    async def _settled(self, step: Callable[[Client], Awaitable[RedisSession]]) -> RedisSession:
        """What passes is waited for: a shard that moves to another node, a Redis that is busy.

        So are workers whose leases lapsed meanwhile, or that a restarted Redis does not know yet.
        """
        began, deserted_since = perf_counter(), math.inf
        backoff = Backoff(self._timings)
        while True:
            try:
                return await self._calling.run(step)
            except Deserted:
                deserted_since = min(deserted_since, perf_counter())
                if perf_counter() - deserted_since > PATIENCE_LEASES * self._timings.worker_lease_s:
                    raise
            except FAILURES as error:
                if not passes(error) or perf_counter() - began > self._timings.open_s:
                    raise
            await backoff.wait()

    async def _begin(self, client: Client, key: str, options: SessionOptions) -> RedisSession:
        verdict, *place = await self._place(client, key, options)
        if verdict == b"in_use":
            raise RuntimeFailure(f"session {options.session_id} is open already, in another client")
        if verdict == b"busy":
            raise RuntimeBusy("every slot of every worker is taken", retry_after_s=BUSY_RETRY_S)
        if verdict == b"no_worker":
            raise Deserted(
                f"no worker serves {self._address.name}; start one: "
                "interject worker --redis URL --model DIR"
            )
        attached = verdict == b"attached"
        session = RedisSession(
            options,
            key,
            generation=place[0],
            read_to=place[1].decode(),
            first_seq=await next_seq(client, self._keys, key) if attached else 0,
            answer_s=self._timings.open_s,
            wake=lambda: self._mark(key),
            reply_taken=self._reply_taken,
        )
        if attached:
            session.opened.set_result(None)
        return session

    async def _place(self, client: Client, key: str, options: SessionOptions) -> Any:
        return await scripts.run(
            client, Script.OPEN, [self._keys.fleet],
            self._keys.prefix, key, self._token, wire.encode_options(options),
            milliseconds(self._timings.client_lease_s),
        )  # fmt: skip

    # While it runs

    async def _run(self) -> None:
        reading, attending = Link(self._home), Link(self._home)
        writing = Link(self._home, self._connected)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._always(self._read, reading), name="read")
                group.create_task(self._always(self._write, writing), name="write")
                group.create_task(self._always(self._attend, attending), name="attend")
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
        for session in self.sessions.values():
            session.end(CloseReason.FAILURE, why)
        self.sessions.clear()
        self._running = None

    async def _always(self, step: Callable[[Client], Awaitable[None]], link: Link) -> None:
        await always(step, link, self._timings, self._outage)

    async def _read(self, client: Client) -> None:
        await self._reads.turn()
        rung = await self._heard.listen(client)
        sessions = self._known(rung.union(self._rota.turn(self.sessions)))
        if not sessions:
            return
        places = {self._keys.output(s.key): s.read_to for s in sessions}
        answer = await client.ask(read(places, count=ENTRIES_A_READ))
        asked = {session.key: session for session in sessions}
        for key, entries in read_entries(answer):
            for entry, fields in entries:
                asked[key].receive(entry, fields)
        for session in sessions:
            # Meanwhile another one may have been opened under its key.
            if session.closed.is_set() and self.sessions.get(session.key) is session:
                del self.sessions[session.key]
                self._missing_since.pop(session.key, None)

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

    async def _write(self, client: Client) -> None:
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

    async def _flush(self, client: Client, sessions: list[RedisSession]) -> None:
        """All that is unsent, the oldest first: of one session at once or not at all."""
        letters: list[Sending] = []
        for session in sessions:
            if session.key not in self._missing_since:
                letters += [(session, number, fields) for number, fields in session.letters()]
            if len(letters) >= LETTERS_AT_ONCE:
                await self._send(client, letters)
                letters = []
        if letters:
            await self._send(client, letters)

    async def _send(self, client: Client, letters: list[Sending]) -> None:
        """No entry may overtake an earlier one, so either all are written or none."""
        commands = [
            add(
                self._keys.input(session.key), f"{session.generation}-{number}", fields,
                longest=LONGEST_INPUT,
            )
            for session, number, fields in letters
        ]  # fmt: skip
        commands.append(self._told.ring({session.key for session, *_ in letters}))
        *results, _ = await client.transact(commands)
        for (session, number, _), result in zip(letters, results, strict=True):
            if isinstance(result, ResponseError) and "equal or smaller" not in str(result):
                raise result
            if result is None:
                session.outbox.send_again()
            else:
                session.outbox.sent(number)

    async def _attend(self, client: Client) -> None:
        """All sessions in turn, each once a beat, few at a time: what comes in between goes first.

        At once those in which the begin of a reply was taken: so another client is not told of a
        reply again that this one may have let be heard.
        """
        due = perf_counter() >= self._beat_at
        keys = self._taken.union(self._attended.turn(self.sessions) if due else ())
        self._taken.clear()
        self._hurry.clear()
        read = [(session.key, session.taken_to) for session in self._known(keys)]
        for first in range(0, len(read), ATTENDED_AT_ONCE):
            await self._attend_to(client, read[first : first + ATTENDED_AT_ONCE])
        if due:
            for session in self._lost():
                await self._begin_again(client, session)
            turns = max(1, math.ceil(len(self.sessions) / ATTENDED_AT_ONCE))
            self._beat_at = perf_counter() + self._timings.beat_s / turns
        await sleep_unless(self._hurry, max(0.0, self._beat_at - perf_counter()))

    async def _attend_to(self, client: Client, read: list[tuple[str, str]]) -> None:
        words = (self._keys.prefix, self._token, *(word for pair in read for word in pair))
        answers = await client.ask(scripts.call(Script.ATTEND, [self._keys.fleet], words))
        for (key, _), answer in zip(read, answers, strict=True):
            self._judge(key, answer)

    def _reply_taken(self, key: str) -> None:
        self._taken.add(key)
        self._hurry.set()

    def _judge(self, key: str, answer: int) -> None:
        """1: the session is ours, 0: another client's, -1: Redis does not know it."""
        session = self.sessions.get(key)
        if session is None:
            return
        if answer == 0:
            session.end(CloseReason.FAILURE, "another client has taken this session")
            return
        if answer == 1:
            if self._missing_since.pop(key, None) is not None and key in self._doubtful:
                self._doubtful.discard(key)
                session.begin_again(UNTOLD_GENERATION, "0-0")
            if session.outbox.unsent():
                self._mark(key)
            return
        now = perf_counter()
        missing_s = now - self._missing_since.setdefault(key, now)
        if missing_s > self._timings.lost_s + self._timings.grace_s:
            session.end(CloseReason.FAILURE, "Redis has lost the session, and no worker takes it")

    def _lost(self) -> list[RedisSession]:
        """What no worker has brought back: Redis and the worker died together."""
        latest = perf_counter() - self._timings.lost_s
        sessions = [self.sessions[key] for key, at in self._missing_since.items() if at < latest]
        return [session for session in sessions if not session.closed.is_set()]

    async def _begin_again(self, client: Client, session: RedisSession) -> None:
        """With another worker. What is in flight now was written before the session was missed.

        Where the answer gets lost, the next one to `attend` says that it was done.
        """
        if session.ending:
            session.end(CloseReason.CLIENT)
            return
        self._doubtful.add(session.key)
        verdict, *place = await self._place(client, session.key, session.options)
        self._doubtful.discard(session.key)
        if verdict == b"placed":
            logger.warning("a session begins again", extra={"session": session.key})
            self._missing_since.pop(session.key, None)
            session.begin_again(place[0], place[1].decode())

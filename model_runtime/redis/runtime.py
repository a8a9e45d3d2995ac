"""A runtime whose sessions live in workers behind Redis. Needs no torch.

One connection reads the events of all sessions, one writes their frames and controls, a third
says that this client is still there.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from time import perf_counter
from typing import TYPE_CHECKING, Any

from redis.exceptions import ConnectionError, RedisError, ResponseError

from interject.model_runtime.protocol import (
    CloseReason,
    RuntimeBusy,
    RuntimeFailure,
    SessionClosed,
    SessionOptions,
)
from interject.model_runtime.redis import scripts, wire
from interject.model_runtime.redis.connection import MOST_CALLS, Address
from interject.model_runtime.redis.keys import session_key
from interject.model_runtime.redis.resume import next_seq
from interject.model_runtime.redis.retry import always
from interject.model_runtime.redis.scripts import Script
from interject.model_runtime.redis.session import RedisSession
from interject.model_runtime.redis.streams import by_session, cursors
from interject.model_runtime.redis.timings import Timings, milliseconds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from redis.asyncio import Redis

LONGEST_INPUT = 1_000
ENTRIES_A_READ = 256
BUSY_RETRY_S = 5.0
LOST_AFTER_S = 5.0
"""A session that neither Redis nor a worker knows any more is not coming back."""

logger = logging.getLogger(__name__)


class RedisRuntime:
    """Many sessions of this process on whatever workers there are."""

    def __init__(self, url: str, *, timings: Timings | None = None) -> None:
        self._address = Address.parse(url)
        self._keys = self._address.keys
        self._timings = timings or Timings()
        self._token = secrets.token_hex(8)
        self._sessions: dict[str, RedisSession] = {}
        self._missing_since: dict[str, float] = {}
        self._news = asyncio.Event()
        self._starting = asyncio.Lock()
        self._running: asyncio.Task[None] | None = None
        self._stopped = False
        self._resending = True
        self._calling = self._address.client()
        self._calls = asyncio.Semaphore(MOST_CALLS)

    async def __aenter__(self) -> RedisRuntime:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    async def open(self, options: SessionOptions) -> RedisSession:
        """Begin a session, or go on with one whose client has gone."""
        if self._stopped:
            raise SessionClosed("the runtime has stopped; open a new one")
        await self._start()
        key = session_key(options.session_id)
        if key in self._sessions and not self._sessions[key].closed.is_set():
            raise RuntimeFailure(f"session {options.session_id} is open already")
        try:
            async with self._calls:
                session = await self._begin(key, options)
        except RedisError as error:
            raise RuntimeFailure(f"{self._address.name}: {_one_line(error)}") from None
        try:
            async with asyncio.timeout(self._timings.open_s):
                await session.opened
        except TimeoutError:
            session.begin_close(CloseReason.FAILURE)
            raise RuntimeFailure("the worker that should take the session is silent") from None
        return session

    async def aclose(self) -> None:
        """Close every session; what no worker confirms within two seconds is closed here."""
        self._stopped = True
        open_sessions = list(self._sessions.values())
        for session in open_sessions:
            session.begin_close(CloseReason.SHUTDOWN)
        if open_sessions:
            waits = [asyncio.create_task(session.closed.wait()) for session in open_sessions]
            _, late = await asyncio.wait(waits, timeout=self._timings.client_lease_s)
            for wait in late:
                wait.cancel()
        await self._stop()
        for session in open_sessions:
            session.end(CloseReason.SHUTDOWN)

    async def _start(self) -> None:
        async with self._starting:
            if self._running is None:
                await self._address.check(self._calling)
                self._running = asyncio.create_task(self._run(), name="interject-redis")

    async def _stop(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
        await self._calling.aclose()

    async def _begin(self, key: str, options: SessionOptions) -> RedisSession:
        verdict, *place = await scripts.run(
            self._calling, Script.OPEN, [self._keys.fleet],
            self._keys.prefix, key, self._token, wire.encode_options(options),
            milliseconds(self._timings.client_lease_s),
        )  # fmt: skip
        if verdict == b"in_use":
            raise RuntimeFailure(f"session {options.session_id} is open already, in another client")
        if verdict == b"busy":
            raise RuntimeBusy("every slot of every worker is taken", retry_after_s=BUSY_RETRY_S)
        if verdict == b"no_worker":
            raise RuntimeFailure(
                f"no worker serves {self._address.name}; start one: "
                "interject worker --redis URL --model DIR"
            )
        attached = verdict == b"attached"
        session = RedisSession(
            options.session_id,
            key,
            generation=place[0],
            read_to=place[1].decode(),
            first_seq=await next_seq(self._calling, self._keys, key) if attached else 0,
            answer_s=self._timings.open_s,
            wake=self._news.set,
        )
        if attached:
            session.opened.set_result(None)
        self._sessions[key] = session
        return session

    # While it runs

    async def _run(self) -> None:
        reading, attending = self._address.client(), self._address.client()
        writing = self._address.client(self._connected)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._always(self._read, reading), name="read")
                group.create_task(self._always(self._write, writing), name="write")
                group.create_task(self._always(self._attend, attending), name="attend")
        except Exception:
            logger.exception("the connection to redis failed for good")
            for session in self._sessions.values():
                session.end(CloseReason.FAILURE, "the connection to Redis failed; see the log")
        finally:
            for client in (reading, writing, attending):
                await client.aclose()

    async def _always(self, step: Callable[[Redis], Awaitable[None]], client: Redis) -> None:
        await always(lambda: step(client), self._timings)

    async def _read(self, client: Redis) -> None:
        began = perf_counter()
        places = {self._keys.output(s.key): s.read_to for s in self._sessions.values()}
        answer = await client.xread(cursors(places), count=ENTRIES_A_READ) if places else None
        for key, entries in by_session(answer):
            for entry, fields in entries:
                self._sessions[key].receive(entry, fields)
        for key in [key for key, session in self._sessions.items() if session.closed.is_set()]:
            del self._sessions[key]
        await asyncio.sleep(self._timings.pause_s(perf_counter() - began))

    def _connected(self) -> None:
        """A new connection may lead to a Redis that forgot everything: first say it all again.

        What is about to be sent was put together before that was known, so it must not go out.
        """
        self._resending = not self._resending
        if self._resending:
            for session in self._sessions.values():
                session.outbox.send_again()
            self._news.set()
            raise ConnectionError("connected anew")

    async def _write(self, client: Redis) -> None:
        await self._news.wait()
        self._news.clear()
        try:
            await self._flush(client)
        except RedisError:
            self._news.set()
            raise

    async def _flush(self, client: Redis) -> None:
        """All that is unsent, at once or not at all: no entry may overtake an earlier one."""
        letters = [
            (session, letter)
            for session in self._sessions.values()
            for letter in session.outbox.unsent()
        ]
        if not letters:
            return
        pipeline = client.pipeline(transaction=True)
        for session, letter in letters:
            fields: dict[Any, Any] = dict(letter.fields)
            pipeline.xadd(
                self._keys.input(session.key), fields, f"{session.generation}-{letter.number}",
                maxlen=LONGEST_INPUT, nomkstream=True,
            )  # fmt: skip
        results = await pipeline.execute(raise_on_error=False)
        for (session, letter), result in zip(letters, results, strict=True):
            if isinstance(result, ResponseError) and "equal or smaller" not in str(result):
                raise result
            if result is None:
                session.outbox.send_again()
            else:
                session.outbox.sent(letter.number)

    async def _attend(self, client: Redis) -> None:
        keys = list(self._sessions)
        if keys:
            answers = await scripts.run(
                client, Script.ATTEND, [self._keys.fleet], self._keys.prefix, self._token, *keys
            )
            for key, answer in zip(keys, answers, strict=True):
                self._judge(key, answer)
        await asyncio.sleep(self._timings.beat_s)

    def _judge(self, key: str, answer: int) -> None:
        """1: the session is ours, 0: another client's, -1: Redis does not know it."""
        session = self._sessions.get(key)
        if session is None:
            return
        if answer == 0:
            session.end(CloseReason.FAILURE, "another client has taken this session")
        elif answer == 1:
            self._missing_since.pop(key, None)
            if session.outbox.unsent():
                self._news.set()
        elif perf_counter() - self._missing_since.setdefault(key, perf_counter()) > LOST_AFTER_S:
            session.end(CloseReason.FAILURE, "Redis has lost the session, and no worker holds it")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())

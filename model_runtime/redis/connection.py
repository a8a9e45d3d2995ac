"""Connections to a shard's Redis, over which much is said at once.

The usual way of redis-py takes a connection from a pool, builds each command in Python and waits
for each answer with a timer of its own: that costs more than all the rest. This module alone
touches what is private to redis-py; `pyproject.toml` caps that at the version of the tests.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from hiredis import pack_command
from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from interject.model_runtime.redis.errors import (
    FAILURES,
    Handling,
    WrongNode,
    handling,
    raise_errors,
    reason,
)

if TYPE_CHECKING:
    from interject.model_runtime.redis.address import Address
    from interject.model_runtime.redis.node_resolver import NodeResolver

T = TypeVar("T")
Word = str | bytes | int | float
Command = Sequence[Word]
"""Its name, one word, and its arguments."""

MOST_CALLS = 4
"""Of one client at once; more fail."""
LONGEST_WAIT_S = 2.0
"""A Redis that is silent for longer is taken for gone."""
UNREAD_S = 0.05
"""An answer that came while this process stood still is read within that."""
UNREADABLE = (ValueError, LookupError)
"""redis-py's parser takes an error reply apart, and stumbles where it is not as expected."""


class PipelinedConnection:
    """Mixed into a connection of redis-py, of which it needs these parts.

    Commands are packed by hiredis: in Python that costs more than all the rest of sending.
    """

    _writer: Any
    _parser: Any
    socket_timeout: float
    disconnect: Any
    _silent_at: float = math.inf
    _was_silent: bool = False
    _overdue: bool = False
    _watch: asyncio.TimerHandle | None = None

    def pack_command(self, *args: Any) -> list[bytes]:
        return [pack_command(_words(args))]

    def pack_commands(self, commands: Iterable[Any]) -> list[bytes]:
        return [b"".join([pack_command(_words(args)) for args in commands])]

    async def read_response(self, *args: Any, **options: Any) -> Any:
        """Of what is said on connecting."""
        try:
            return await super().read_response(*args, **options)  # type: ignore[misc]
        except UNREADABLE as error:
            await self.disconnect(nowait=True)
            raise exceptions.ConnectionError("the answer cannot be read") from error

    async def exchange(self, packed: bytes, count: int) -> list[Any]:
        """Send packed commands in one write and read so many answers, errors among them.

        :raises ConnectionError: when the connection is lost; nobody knows what was done.
        :raises TimeoutError: when Redis is silent for too long; likewise.
        """
        try:
            return await self._exchange(packed, count)
        except (OSError, exceptions.ConnectionError) as error:
            await self.disconnect(nowait=True)
            if self._was_silent:
                raise exceptions.TimeoutError("Redis is silent") from None
            if isinstance(error, exceptions.ConnectionError):
                raise
            raise exceptions.ConnectionError(f"the connection is lost ({error})") from error
        except UNREADABLE as error:
            await self.disconnect(nowait=True)
            raise exceptions.ConnectionError("an answer cannot be read") from error
        except BaseException:
            await self.disconnect(nowait=True)
            raise

    async def _exchange(self, packed: bytes, count: int) -> list[Any]:
        """Each answer may take as long as Redis may be silent."""
        clock, silence_s = asyncio.get_running_loop().time, self.socket_timeout
        answers: list[Any] = []
        self._was_silent = self._overdue = False
        self._silent_at = clock() + silence_s
        if self._watch is None:
            self._look()
        try:
            self._writer.write(packed)
            await self._writer.drain()
            while len(answers) < count:
                answers.append(await self._parser.read_response())
                self._silent_at = clock() + silence_s
        finally:
            self._silent_at = math.inf
        if self._was_silent:
            await self.disconnect(nowait=True)
        return answers

    def _look(self) -> None:
        """One timer for many exchanges: one for each costs a seventh of it. Ends a silent one by
        taking its connection away. Where it was this process that stood still, the answer is there
        and is read first.
        """
        loop = asyncio.get_running_loop()
        self._watch = None
        if self._silent_at <= loop.time() and not self._overdue:
            self._overdue = True
            self._watch = loop.call_later(UNREAD_S, self._look)
        elif self._silent_at <= loop.time():
            self._was_silent = True
            self._writer.transport.abort()
        elif self._silent_at < math.inf:
            self._overdue = False
            self._watch = loop.call_at(self._silent_at, self._look)


class RedisClient(Redis):
    """Keeps a `PipelinedConnection` beside the pool, for one caller at a time."""

    digests_refused = False
    """Whether Redis lets this user call scripts only as text."""
    _pipelined: Any = None

    @classmethod
    def to(cls, url: str, on_connect: Callable[[], None] | None = None) -> RedisClient | None:
        """A client that fails at once instead of retrying: what a retry means, callers know.

        `on_connect` is called whenever its only connection was made anew. None where the URL names
        a setting that there is not, or gives it no sense: an error would repeat it.
        """

        async def connected(connection: Any) -> None:
            await connection.on_connect()
            if on_connect is not None:
                on_connect()

        try:
            client: Any = cls.from_url(
                url,
                protocol=2,
                decode_responses=False,
                max_connections=1 if on_connect else MOST_CALLS,
                socket_connect_timeout=LONGEST_WAIT_S,
                socket_timeout=LONGEST_WAIT_S,
                retry=Retry(NoBackoff(), 0),
                redis_connect_func=connected,
            )
            pool = client.connection_pool
            kind = pool.connection_class
            kind(**pool.connection_kwargs)
        except (ValueError, TypeError, exceptions.RedisError):
            return None
        pool.connection_class = type(f"Pipelined{kind.__name__}", (PipelinedConnection, kind), {})
        made: RedisClient = client
        return made

    async def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """All answers as they come, errors among them. See `PipelinedConnection.exchange`."""
        if self._pipelined is None:
            pool: Any = self.connection_pool
            self._pipelined = await pool.get_connection()
        if not self._pipelined.is_connected:
            await self._pipelined.connect()
        answers: list[Any] = await self._pipelined.exchange(_pack(commands), len(commands))
        return answers

    async def ask(self, command: Command) -> Any:
        """One command.

        :raises RedisError: when that is the answer, or there is none.
        """
        (answer,) = await self.exchange((command,))
        raise_errors((answer,))
        return answer

    async def transact(self, commands: Sequence[Command]) -> list[Any]:
        """All commands at once or none of them; an error among the answers undid no other.

        :raises RedisError: when none of them was done, or nobody knows.
        """
        *queued, done = await self.exchange((("MULTI",), *commands, ("EXEC",)))
        raise_errors((*queued, done))
        answers: list[Any] = done
        return answers


class ShardConnection:
    """A client of the node that serves a shard at the moment; in a cluster, a new one after every
    failure. `on_connect` is called whenever a connection was made anew.
    """

    def __init__(
        self, resolver: NodeResolver, on_connect: Callable[[], None] | None = None
    ) -> None:
        self._resolver = resolver
        self._on_connect = on_connect
        self._client: RedisClient | None = None
        self._dropped: list[RedisClient] = []
        self._users = 0

    async def run(self, step: Callable[[RedisClient], Awaitable[T]]) -> T:
        """Do something on the node.

        :raises WrongNode: when the shard is not there; nothing was done.
        """
        client = await self._connected()
        self._users += 1
        try:
            return await step(client)
        except FAILURES as error:
            what = handling(error)
            if what is Handling.REDIRECT:
                self._drop(client)
                raise WrongNode(reason(error)) from None
            if what is Handling.RETRY and self.address.cluster:
                self._drop(client)
            raise
        finally:
            self._users -= 1
            if not self._users:
                await self._close_dropped()

    @property
    def address(self) -> Address:
        """As it was given: in a cluster, all of its nodes."""
        return self._resolver.address

    async def check(self) -> None:
        """Find out now what would otherwise fail later.

        :raises RedisAway: when nobody is there.
        :raises RuntimeFailure: when access is denied, or it is too old.
        """
        try:
            await self.run(self.address.check)
        except FAILURES as error:
            raise self.address.explain(error) from None

    async def aclose(self) -> None:
        """Close what is open."""
        if self._client is not None:
            self._drop(self._client)
        await self._close_dropped()

    async def _connected(self) -> RedisClient:
        if self._client is None:
            address = await self._resolver.find()
            self._client = self._client or address.client(self._on_connect)
        return self._client

    def _drop(self, client: RedisClient) -> None:
        """Others may be using it: it is closed when nobody does."""
        self._resolver.forget()
        if client is self._client:
            self._client = None
            self._dropped.append(client)

    async def _close_dropped(self) -> None:
        while self._dropped:
            await self._dropped[-1].aclose()
            self._dropped.pop()


def _pack(commands: Iterable[Command]) -> bytes:
    """As Redis reads them."""
    packed: Callable[[Any], bytes] = pack_command
    return b"".join([packed(tuple(command)) for command in commands])


def _words(args: Any) -> tuple[Any, ...]:
    """A command's name may hold several words."""
    name = args[0].encode() if isinstance(args[0], str) else args[0]
    return (*name.split(), *args[1:])

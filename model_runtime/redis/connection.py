"""A connection of the asyncio client over which much is said at once."""

from __future__ import annotations

import asyncio
from typing import Any

from redis import exceptions

from interject.model_runtime.redis.packing import PackedByHiredis

UNREADABLE = (ValueError, LookupError)
"""The client's parser takes an error reply apart, and stumbles where it is not as expected."""


class PipelinedConnection(PackedByHiredis):
    """Mixed into a connection, of which it needs these parts."""

    _reader: Any
    _writer: Any
    _parser: Any
    socket_timeout: float
    disconnect: Any

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
        except TimeoutError:
            await self.disconnect(nowait=True)
            raise exceptions.TimeoutError("Redis is silent") from None
        except OSError as error:
            await self.disconnect(nowait=True)
            raise exceptions.ConnectionError(f"the connection is lost ({error})") from error
        except UNREADABLE as error:
            await self.disconnect(nowait=True)
            raise exceptions.ConnectionError("an answer cannot be read") from error
        except BaseException:
            await self.disconnect(nowait=True)
            raise

    async def _exchange(self, packed: bytes, count: int) -> list[Any]:
        """Each answer may take as long as Redis may be silent; the limit is moved seldom."""
        clock, silence_s = asyncio.get_running_loop().time, self.socket_timeout
        answers: list[Any] = []
        async with asyncio.timeout(silence_s) as limit:
            moved_at = clock()
            self._writer.write(packed)
            await self._writer.drain()
            while len(answers) < count:
                answers.append(await self._parser.read_response())
                if clock() > moved_at + silence_s / 4:
                    moved_at = clock()
                    limit.reschedule(moved_at + silence_s)
        return answers


def lay_lines(client: Any) -> None:
    """Give a client such connections, before it connects."""
    pool = client.connection_pool
    kind = pool.connection_class
    pool.connection_class = type(
        f"PipelinedConnection{kind.__name__}", (PipelinedConnection, kind), {}
    )

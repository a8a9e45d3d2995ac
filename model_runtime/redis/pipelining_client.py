"""A Redis client that can also say many things at once.

The usual way takes a connection from a pool, builds each command in Python and waits for each
answer with a timer of its own: that costs more than all the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redis.asyncio import Redis

from interject.model_runtime.redis.errors import raise_errors
from interject.model_runtime.redis.packing import pack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.model_runtime.redis.packing import Command


class RedisClient(Redis):
    """What is added here keeps a `PipelinedConnection` to itself, for one caller at a time."""

    _line: Any = None

    async def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """All answers as they come, errors among them. See `PipelinedConnection.exchange`."""
        if self._line is None:
            pool: Any = self.connection_pool
            self._line = await pool.get_connection()
        if not self._line.is_connected:
            await self._line.connect()
        answers: list[Any] = await self._line.exchange(pack(commands), len(commands))
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

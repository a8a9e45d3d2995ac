"""A way to whichever Redis serves a shard at the moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from interject.model_runtime.redis.errors import FAILURES, Handling, WrongNode, handling, reason

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from interject.model_runtime.redis.address import Address
    from interject.model_runtime.redis.node_resolver import NodeResolver
    from interject.model_runtime.redis.pipelining_client import RedisClient

T = TypeVar("T")


class ShardConnection:
    """A client of the shard's node; in a cluster, a new one after every failure.

    `on_connect` is called whenever a connection was made anew.
    """

    def __init__(self, home: NodeResolver, on_connect: Callable[[], None] | None = None) -> None:
        self._home = home
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
            if what is Handling.RETRY and self._home.address.cluster:
                self._drop(client)
            raise
        finally:
            self._users -= 1
            if not self._users:
                await self._close_dropped()

    @property
    def address(self) -> Address:
        """As it was given: in a cluster, all of its nodes."""
        return self._home.address

    async def check(self) -> None:
        """Find out now what would otherwise fail later.

        :raises RedisAway: when nobody is there.
        :raises RuntimeFailure: when access is denied, or it is too old.
        """
        try:
            await self.run(self._home.address.check)
        except FAILURES as error:
            raise self._home.address.explain(error) from None

    async def aclose(self) -> None:
        """Close what is open."""
        if self._client is not None:
            self._drop(self._client)
        await self._close_dropped()

    async def _connected(self) -> RedisClient:
        if self._client is None:
            address = await self._home.find()
            self._client = self._client or address.client(self._on_connect)
        return self._client

    def _drop(self, client: RedisClient) -> None:
        """Others may be using it: it is closed when nobody does."""
        self._home.forget()
        if client is self._client:
            self._client = None
            self._dropped.append(client)

    async def _close_dropped(self) -> None:
        while self._dropped:
            await self._dropped[-1].aclose()
            self._dropped.pop()

"""Which node of a Redis Cluster serves a shard.

All keys of a shard are in one slot, so one node serves it. Any node knows which: it answers for the
slot, or names the node that does. This needs no right to look at the cluster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redis.exceptions import MovedError, ResponseError

from interject.model_runtime.redis.errors import FAILURES, WrongNode, code, passes

if TYPE_CHECKING:
    from interject.model_runtime.redis.address import Address
    from interject.model_runtime.redis.keys import Keys
    from interject.model_runtime.redis.url import HostPort

MOST_REDIRECTIONS = 5


class NodeResolver:
    """Remembers a shard's node until it fails."""

    def __init__(self, address: Address, keys: Keys) -> None:
        self.address = address
        self._keys = keys
        self._node: HostPort | None = None
        self._known = list(address.nodes()) if address.cluster else []

    async def find(self) -> Address:
        """The address of the node; without a cluster it is the one of the URL.

        :raises WrongNode: when nobody serves the shard at the moment.
        """
        if not self.address.cluster:
            return self.address
        if self._node is None:
            self._node = await self._ask_around()
        return self.address.at(self._node)

    def forget(self) -> None:
        """It failed, or said that the shard is elsewhere."""
        self._node = None

    async def _ask_around(self) -> HostPort:
        """A node that does not answer is asked last next time."""
        trouble: Exception = WrongNode("no node of the cluster answers")
        for asked in tuple(self._known):
            try:
                node = await self._follow(asked)
            except FAILURES as error:
                if not passes(error):
                    raise
                trouble = error
                self._known.remove(asked)
                self._known.append(asked)
            else:
                if node not in self._known:
                    self._known.append(node)
                return node
        raise trouble

    async def _follow(self, node: HostPort) -> HostPort:
        for _ in range(MOST_REDIRECTIONS):
            client = self.address.at(node).client()
            try:
                await client.exists(self._keys.probe)
            except MovedError as error:
                node = error.host or node[0], error.port
            except ResponseError as error:
                if code(error) not in ("ASK", "TRYAGAIN"):
                    raise
                return node
            else:
                return node
            finally:
                await client.aclose()
        raise WrongNode("the nodes of the cluster do not agree")

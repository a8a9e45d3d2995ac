"""A real Redis Cluster of three nodes on loopback, whose nodes and slots a test may disturb."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot
from redis.exceptions import RedisError
from redis.retry import Retry

from interject.model_runtime.redis.keys import Keys
from tests.live.redis.server import RedisServer, free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NODES = 3
SHARDS = ("b", "c", "d")
"""One on each node."""
SETTLE_S = 120.0
NODE_TIMEOUT_MS = 2_000


class ClusterNode:
    """One redis-server of the cluster, and what it says of itself."""

    def __init__(self, folder: Path) -> None:
        self.bus_port = free_port()
        self.server = RedisServer(
            folder,
            "cluster-enabled yes",
            f"cluster-config-file nodes-{self.bus_port}.conf",
            f"cluster-port {self.bus_port}",
            f"cluster-node-timeout {NODE_TIMEOUT_MS}",
            "cluster-require-full-coverage no",
            "repl-diskless-sync-delay 0",
        )

    @property
    def port(self) -> int:
        return self.server.port

    def ask(self, *words: str | int) -> Any:
        """One command, of this node alone."""
        retry = Retry(NoBackoff(), 0)
        with Redis(port=self.port, protocol=2, socket_timeout=30, retry=retry) as client:
            return client.execute_command("CLUSTER", *words)

    def identity(self) -> str:
        """Its name in the cluster."""
        return bytes(self.ask("MYID")).decode()

    def agrees(self, nodes: int) -> bool:
        """Whether it knows them all, and that they serve."""
        try:
            info = bytes(self.ask("INFO")).decode()
        except (RedisError, OSError):
            return False
        return "cluster_state:ok" in info and f"cluster_known_nodes:{nodes}\r" in info

    def wait(self, nodes: int) -> None:
        """Until it agrees."""
        until(lambda: self.agrees(nodes))


class RedisCluster:
    """Each node has a third of the slots; `replicas` more follow the first one."""

    def __init__(self, folder: Path, *, replicas: int = 0) -> None:
        self.masters = [ClusterNode(folder) for _ in range(NODES)]
        self.replicas = [ClusterNode(folder) for _ in range(replicas)]

    def start(self) -> None:
        """Returns once all nodes agree."""
        for node in self._nodes:
            node.server.start()
        self._share_slots()
        for node in self._nodes:
            node.wait(len(self._nodes))
        for node in self.replicas:
            until(lambda node=node: self._follows(node))  # type: ignore[misc]

    def kill(self) -> None:
        """kill -9 of every node."""
        for node in self._nodes:
            node.server.kill()

    def url(self, *shards: str) -> str:
        """The address of shards; two of the nodes are named."""
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.masters[:2])
        return f"redis://{hosts}/0?cluster=1&shards={','.join(shards)}"

    def home(self, shard: str) -> ClusterNode:
        """The node that serves a shard from the start."""
        return self.masters[SHARDS.index(shard)]

    def move(self, shard: str, source: ClusterNode, target: ClusterNode) -> None:
        """Hand a shard's slot over to another node, a few keys at a time."""
        slot = key_slot(Keys(shard).fleet.encode())
        target.ask("SETSLOT", slot, "IMPORTING", source.identity())
        source.ask("SETSLOT", slot, "MIGRATING", target.identity())
        with Redis(port=source.port, protocol=2, socket_timeout=60) as client:
            while names := source.ask("GETKEYSINSLOT", slot, 2):
                client.migrate("127.0.0.1", target.port, names, 0, 30_000)
                time.sleep(0.2)
        for node in (target, source):
            node.ask("SETSLOT", slot, "NODE", target.identity())

    @property
    def _nodes(self) -> list[ClusterNode]:
        return [*self.masters, *self.replicas]

    def _share_slots(self) -> None:
        first = self.masters[0]
        for number, node in enumerate(self._nodes, start=1):
            node.ask("SET-CONFIG-EPOCH", number)
            if node is not first:
                node.ask("MEET", "127.0.0.1", first.port, first.bus_port)
        share = -(-REDIS_CLUSTER_HASH_SLOTS // NODES)
        for number, node in enumerate(self.masters):
            last = min((number + 1) * share, REDIS_CLUSTER_HASH_SLOTS) - 1
            node.ask("ADDSLOTSRANGE", number * share, last)
        for number, shard in enumerate(SHARDS):
            assert key_slot(Keys(shard).fleet.encode()) // share == number, "a shard a node"

    def _follows(self, node: ClusterNode) -> bool:
        try:
            node.ask("REPLICATE", self.masters[0].identity())
            with Redis(port=node.port, protocol=2) as client:
                info: Any = client.info("replication")
        except RedisError:
            return False
        return bool(info.get("master_link_status") == "up")


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that a cluster does by itself."""
    deadline = time.monotonic() + SETTLE_S
    while not condition():
        assert time.monotonic() < deadline, "the cluster did not settle"
        time.sleep(0.05)

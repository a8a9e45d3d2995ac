"""Workers and sessions as Redis knows them, for people who operate them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interject.model_runtime.names import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis.asyncio import Redis

    from interject.model_runtime.redis.keys import Keys


SESSION_FIELDS = ("worker", "state", "epoch", "clients", "grace")


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """`lease_ms` is 0 for a worker that is gone; `slots` are 0 for one that drains."""

    shard: str
    name: str
    slots: int
    sessions: int
    lease_ms: int


@dataclass(frozen=True, slots=True)
class SessionRow:
    """`name` is a digest of the name in keys. `epoch` rises with each change of
    worker, `clients` with each client.

    `silent_s` is the time since a client was last seen, `inputs` and `outputs` are entries kept.
    """

    shard: str
    name: str
    worker: str
    epoch: int
    clients: int
    silent_s: float
    inputs: int
    outputs: int


@dataclass(frozen=True, slots=True)
class Fleet:
    """At one moment, on one shard or several.

    `session_count` counts those too that `sessions` has no room for.
    """

    workers: tuple[WorkerRow, ...]
    sessions: tuple[SessionRow, ...]
    session_count: int

    @property
    def free_slots(self) -> int:
        return sum(max(0, worker.slots - worker.sessions) for worker in self.workers)


def together(fleets: Sequence[Fleet], *, most_sessions: int) -> Fleet:
    """The fleets of several shards as one."""
    workers = tuple(worker for fleet in fleets for worker in fleet.workers)
    sessions = [session for fleet in fleets for session in fleet.sessions]
    count = sum(fleet.session_count for fleet in fleets)
    return Fleet(workers, tuple(sessions[:most_sessions]), count)


async def read_fleet(client: Redis, keys: Keys, *, most_sessions: int) -> Fleet:
    """What is there now, in three round trips."""
    tokens = sorted(token.decode() for token in await _members(client, keys.fleet))
    pipeline = client.pipeline(transaction=False)
    for token in tokens:
        pipeline.hget(keys.worker(token), "slots")
        pipeline.pttl(keys.worker(token))
        pipeline.smembers(keys.owned(token))
    answers = await pipeline.execute()
    workers: list[WorkerRow] = []
    owned: list[str] = []
    for token, (slots, lease_ms, members) in zip(tokens, _threes(answers), strict=True):
        owned += sorted(member.decode() for member in members)
        name = worker_name(token)
        row = WorkerRow(keys.shard, name, int(slots or 0), len(members), max(0, lease_ms))
        workers.append(row)
    rows = await _read_sessions(client, keys, owned[:most_sessions])
    return Fleet(tuple(workers), rows, len(owned))


def worker_name(token: str) -> str:
    """A token is the worker's name and the number of its run."""
    return token.rpartition(":")[0] or token


async def _members(client: Redis, key: str) -> set[bytes]:
    pipeline = client.pipeline(transaction=False)
    pipeline.smembers(key)
    (members,) = await pipeline.execute()
    found: set[bytes] = members
    return found


async def _read_sessions(client: Redis, keys: Keys, names: Sequence[str]) -> tuple[SessionRow, ...]:
    pipeline = client.pipeline(transaction=False)
    for name in names:
        pipeline.hmget(keys.session(name), SESSION_FIELDS)
        pipeline.pttl(keys.client(name))
        pipeline.xlen(keys.input(name))
        pipeline.xlen(keys.output(name))
    answers = iter(await pipeline.execute())
    rows: list[SessionRow] = []
    for name, fields, left_ms, inputs, outputs in zip(
        names, answers, answers, answers, answers, strict=True
    ):
        worker, state, epoch, clients, grace_ms = fields
        if state != b"open":
            continue
        rows.append(
            SessionRow(
                shard=keys.shard,
                name=shown(name),
                worker=worker_name((worker or b"").decode("utf-8", "replace")),
                epoch=int(epoch or 0),
                clients=int(clients or 0),
                silent_s=max(0.0, int(grace_ms or 0) - max(0, left_ms)) / 1000,
                inputs=inputs,
                outputs=outputs,
            )
        )
    return tuple(rows)


def _threes(answers: Sequence[Any]) -> list[tuple[Any, Any, Any]]:
    return list(zip(answers[::3], answers[1::3], answers[2::3], strict=True))

"""Making Redis keep again what it should, where somebody deleted it or put something else there.

An evicted key, an expired one and a deleted one are the same. What a worker knows it can write
again; what only Redis knew is lost, and then the session of which it was ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.model_runtime.redis import scripts
from interject.model_runtime.redis.errors import raise_errors
from interject.model_runtime.redis.scripts import Script
from interject.model_runtime.redis.worker.recovery.orphaned_session import FIRST_ENTRY
from interject.model_runtime.remote import wire

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from interject.model_runtime.redis.connection import Command, RedisClient
    from interject.model_runtime.redis.keys import Keys
    from interject.model_runtime.redis.worker.owned_session import OwnedSession

VISITED_AT_ONCE = 128
"""While a script runs, Redis does nothing else."""


async def missing(
    client: RedisClient,
    keys: Keys,
    kinds: Mapping[str, str],
    *,
    kept: Mapping[str, str] | None = None,
    kept_ms: int = 0,
) -> set[str]:
    """Which keys are not there, each named with its type. What is of another type is deleted.

    The end of those that are `kept` is put off.
    """
    kept = kept or {}
    named = [word for pair in (*kept.items(), *kinds.items()) for word in pair]
    call = scripts.call(Script.INSPECT, (keys.fleet,), (len(kept), kept_ms, *named))
    absent, wrong = await client.ask(call)
    if wrong:
        await client.ask(("UNLINK", *wrong))
    return {key.decode() for key in (*absent, *wrong)}


def shared(keys: Keys, tenants: Iterable[str], *, name: str, token: str) -> dict[str, str]:
    """What belongs to no session, of one worker and of the tenants that it serves."""
    streams = [key for t in tenants for key in (keys.requests(t), keys.news(t))]
    return {
        **dict.fromkeys(streams, "stream"),
        keys.fleet: "set",
        keys.tenants: "set",
        keys.name(name): "string",
        keys.worker(token): "hash",
        keys.owned(token): "set",
        keys.todo(token): "list",
    }


async def visit(
    client: RedisClient, keys: Keys, sessions: Sequence[OwnedSession], kept_ms: int
) -> set[str]:
    """Put off the end of what is kept of each session; returns those of which something is gone.

    An input stream begins again at once: until then the client writes nothing.
    """
    lacking: set[str] = set()
    for first in range(0, len(sessions), VISITED_AT_ONCE):
        some = sessions[first : first + VISITED_AT_ONCE]
        lacking |= await _visit_some(client, keys, some, kept_ms)
    return lacking


async def _visit_some(
    client: RedisClient, keys: Keys, sessions: Sequence[OwnedSession], kept_ms: int
) -> set[str]:
    needed = {session.key: _needed(keys, session) for session in sessions}
    kept = {key: kind for s in sessions for key, kind in _kinds(keys, s.key).items()}
    clients = {keys.client(session.key): "string" for session in sessions}
    gone = await missing(client, keys, clients, kept=kept, kept_ms=kept_ms)
    begun = gone & {keys.input(session.key) for session in sessions}
    commands: list[Command] = []
    for key in begun:
        commands.append(("XADD", key, FIRST_ENTRY, "v", wire.VERSION, "k", "begin"))
        commands.append(("PEXPIRE", key, kept_ms))
    if commands:
        await client.exchange(commands)
    return {s.key for s in sessions if gone & needed[s.key] & _needed(keys, s)}


async def remove(client: RedisClient, keys: Keys, token: str, name: str) -> None:
    """A session of this worker; to its client Redis has lost it."""
    gone = (keys.client(name), *_kinds(keys, name))
    await client.transact((("SREM", keys.owned(token), name), ("UNLINK", *gone)))


async def overlooked(
    client: RedisClient, keys: Keys, token: str, known: Container[str]
) -> list[str]:
    """Sessions that a worker was given and that it neither has nor is told of."""
    owned, told = await client.transact(
        (("SMEMBERS", keys.owned(token)), ("LRANGE", keys.todo(token), 0, -1))
    )
    raise_errors((owned, told))
    names = sorted(name.decode() for name in set(owned) - set(told))
    return [name for name in names if name not in known]


def _kinds(keys: Keys, name: str) -> dict[str, str]:
    return {
        keys.session(name): "hash",
        keys.input(name): "stream",
        keys.output(name): "stream",
        keys.journal(name): "stream",
        keys.snapshot(name): "string",
    }


def _needed(keys: Keys, session: OwnedSession) -> set[str]:
    """While a write is on its way, nobody knows which of the last two there is."""
    needed = {keys.session(session.key), keys.input(session.key)}
    log = session.log
    if log.in_flight is None and log.has_journal:
        needed.add(keys.journal(session.key))
    if log.in_flight is None and log.has_snapshot:
        needed.add(keys.snapshot(session.key))
    return needed

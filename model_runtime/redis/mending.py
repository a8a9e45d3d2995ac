"""Making Redis keep again what it should, where somebody deleted it or put something else there.

An evicted key, an expired one and a deleted one are the same. What a worker knows it can write
again; what only Redis knew is lost, and then the session of which it was ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.model_runtime.redis.errors import raise_errors
from interject.model_runtime.redis.takeover import FIRST_ENTRY
from interject.model_runtime.remote import wire

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from interject.model_runtime.redis.client import Client
    from interject.model_runtime.redis.keys import Keys
    from interject.model_runtime.redis.packing import Command
    from interject.model_runtime.redis.tenant import Tenant

_MISSING = b"none"


async def missing(client: Client, kinds: Mapping[str, str]) -> set[str]:
    """Which keys are not there, each named with its type. What is of another type is deleted."""
    answers = await client.exchange([("TYPE", key) for key in kinds])
    raise_errors(answers)
    found = dict(zip(kinds, answers, strict=True))
    wrong = [key for key, kind in found.items() if kind not in (kinds[key].encode(), _MISSING)]
    if wrong:
        await client.ask(("UNLINK", *wrong))
    return {key for key, kind in found.items() if kind == _MISSING or key in wrong}


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


async def visit(client: Client, keys: Keys, tenants: Sequence[Tenant], kept_ms: int) -> set[str]:
    """Put off the end of what is kept of each session; returns those of which something is gone.

    An input stream begins again at once: until then the client writes nothing.
    """
    if not tenants:
        return set()
    needed = {tenant.key: _needed(keys, tenant) for tenant in tenants}
    kinds = {key: kind for t in tenants for key, kind in _kinds(keys, t.key).items()}
    gone = await missing(client, kinds | {keys.client(t.key): "string" for t in tenants})
    commands: list[Command] = [
        ("XADD", key, FIRST_ENTRY, "v", wire.VERSION, "k", "begin")
        for key in (keys.input(tenant.key) for tenant in tenants)
        if key in gone
    ]
    await client.exchange([*commands, *(("PEXPIRE", key, kept_ms) for key in kinds)])
    return {t.key for t in tenants if gone & needed[t.key] & _needed(keys, t)}


async def remove(client: Client, keys: Keys, token: str, name: str) -> None:
    """A session of this worker; to its client Redis has lost it."""
    gone = (keys.client(name), *_kinds(keys, name))
    await client.transact((("SREM", keys.owned(token), name), ("UNLINK", *gone)))


async def overlooked(client: Client, keys: Keys, token: str, known: Container[str]) -> list[str]:
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


def _needed(keys: Keys, tenant: Tenant) -> set[str]:
    """While a write is on its way, nobody knows which of the last two there is."""
    needed = {keys.session(tenant.key), keys.input(tenant.key)}
    if tenant.in_flight is None and tenant.has_journal:
        needed.add(keys.journal(tenant.key))
    if tenant.in_flight is None and tenant.has_snapshot:
        needed.add(keys.snapshot(tenant.key))
    return needed

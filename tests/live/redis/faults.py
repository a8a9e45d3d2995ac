"""States of a Redis that pass, brought about in a real one for a while."""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import TYPE_CHECKING

from interject.model_runtime.redis.address import Address

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from interject.model_runtime.redis.connection import RedisClient
    from tests.live.redis.server import RedisServer

    Fault = Callable[[RedisServer, RedisClient], AbstractAsyncContextManager[None]]

SPIN = """
local function now() local t = redis.call('TIME') return t[1] + t[2] / 1000000 end
local e = now() + ARGV[1]
while now() < e do end
"""


@contextlib.asynccontextmanager
async def misconf(server: RedisServer, admin: RedisClient) -> AsyncIterator[None]:
    """Its snapshot cannot be written: a folder has the name."""
    server.snapshot.mkdir()
    try:
        await admin.ask(("CONFIG", "SET", "save", "3600 1000000"))
        await admin.ask(("BGSAVE",))
        answer = b""
        async with asyncio.timeout(30):
            while b"rdb_last_bgsave_status:err" not in answer:
                answer = await admin.ask(("INFO", "persistence"))
        yield
    finally:
        await admin.ask(("CONFIG", "SET", "save", ""))
        server.snapshot.rmdir()


@contextlib.asynccontextmanager
async def noreplicas(server: RedisServer, admin: RedisClient) -> AsyncIterator[None]:
    await admin.ask(("CONFIG", "SET", "min-replicas-to-write", "1"))
    try:
        yield
    finally:
        await admin.ask(("CONFIG", "SET", "min-replicas-to-write", "0"))


@contextlib.asynccontextmanager
async def oom(server: RedisServer, admin: RedisClient) -> AsyncIterator[None]:
    await admin.ask(("CONFIG", "SET", "maxmemory", "1"))
    try:
        yield
    finally:
        await admin.ask(("CONFIG", "SET", "maxmemory", "0"))


@contextlib.asynccontextmanager
async def busy(server: RedisServer, admin: RedisClient) -> AsyncIterator[None]:
    """Somebody's script runs for a second and a half, and everybody else is told so."""
    await admin.ask(("CONFIG", "SET", "busy-reply-threshold", "50"))
    task = asyncio.create_task(admin.ask(("EVAL", SPIN, 0, 1.5)))
    try:
        yield
    finally:
        await task
        await admin.ask(("CONFIG", "SET", "busy-reply-threshold", "5000"))


@contextlib.asynccontextmanager
async def unblocked(server: RedisServer, admin: RedisClient) -> AsyncIterator[None]:
    """An operator ends everybody's waiting, again and again."""
    for _ in range(20):
        clients = await admin.ask(("CLIENT", "LIST"))
        names = re.findall(rb"^id=(\d+)", clients, re.MULTILINE)
        await admin.exchange([("CLIENT", "UNBLOCK", name, "ERROR") for name in names])
        await asyncio.sleep(0.01)
    yield


@contextlib.asynccontextmanager
async def killed(server: RedisServer, admin: RedisClient) -> AsyncIterator[None]:
    """All connections end, and while it lasts there is no room for new ones."""
    _, most = await admin.ask(("CONFIG", "GET", "maxclients"))
    await admin.ask(("CONFIG", "SET", "maxclients", "1"))
    await admin.ask(("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"))
    try:
        yield
    finally:
        await admin.ask(("CONFIG", "SET", "maxclients", most))


@contextlib.asynccontextmanager
async def paused(server: RedisServer, admin: RedisClient) -> AsyncIterator[None]:
    await admin.ask(("CLIENT", "PAUSE", 1000, "WRITE"))
    yield


FAULTS: dict[str, Fault] = {
    "MISCONF": misconf,
    "NOREPLICAS": noreplicas,
    "OOM": oom,
    "BUSY": busy,
    "UNBLOCKED": unblocked,
    "killed, no room": killed,
    "paused": paused,
}


@contextlib.asynccontextmanager
async def administered(server: RedisServer) -> AsyncIterator[RedisClient]:
    """As its operator. This one connection outlasts what is done to the others."""
    async with contextlib.aclosing(Address.parse(server.url).client()) as admin:
        yield admin

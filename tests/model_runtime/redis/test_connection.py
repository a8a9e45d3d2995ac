"""Packed commands, answers that cannot be read, and who knows the inside of redis-py."""

from __future__ import annotations

import ast
import asyncio
import importlib.metadata
import re
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Connection
from redis.exceptions import ConnectionError, TimeoutError

from interject.model_runtime.redis.address import Address
from interject.model_runtime.redis.connection import PipelinedConnection

ROOT = Path(__file__).parents[3]
PRIVATE = {"_reader", "_writer", "_parser", "connection_class", "connection_kwargs", "_parsers"}
NONSENSE = [b"-MOVED 1 nowhere\r\n", b"-MOVED\r\n", b"-ASK 1 here:there\r\n", b"-MOVED x y:1\r\n"]
COMMANDS: list[tuple[Any, ...]] = [
    ("PING",),
    ("CLIENT SETINFO", "LIB-NAME", "ü"),
    (b"CONFIG GET", "maxmemory"),
    ("XADD", "in:1", "NOMKSTREAM", "1-2", b"p", bytes(range(256)) * 50, "n", 3, "t", 0.25),
    ("SET", "empty", b""),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command[0]))
def test_a_command_has_the_same_bytes_as_without_hiredis(command: tuple[Any, ...]) -> None:
    packed = PipelinedConnection().pack_command(*command)
    assert b"".join(packed) == b"".join(Connection().pack_command(*command))


def test_many_commands_have_the_same_bytes() -> None:
    packed = PipelinedConnection().pack_commands(COMMANDS)
    assert b"".join(packed) == b"".join(Connection().pack_commands(COMMANDS))


@pytest.mark.parametrize("nonsense", NONSENSE)
@pytest.mark.parametrize("at_once", [True, False])
async def test_an_answer_that_cannot_be_read_is_a_lost_connection(
    nonsense: bytes, at_once: bool
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while said := await reader.read(4096):
            ours = at_once or b"PING" in said
            for _ in range(said.count(b"*")):
                writer.write(nonsense if ours else b"+OK\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        url = f"redis://user:password@127.0.0.1:{port}/0"
        async with aclosing(Address.parse(url).client()) as client:
            with pytest.raises(ConnectionError, match="cannot be read"):
                await client.ask(("PING",))


async def test_one_exchange_after_the_other_is_watched_by_one_timer() -> None:
    """A Redis that answers twice, the second time late, and then never again."""
    late_s = 0.2

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pings = 0
        while said := await reader.read(4096):
            pings += said.count(b"PING")
            if pings == 2:
                await asyncio.sleep(late_s)
            if pings < 3:
                writer.write(b"+OK\r\n" * said.count(b"*"))
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with aclosing(Address.parse(f"redis://127.0.0.1:{port}/0").client()) as client:
            client.connection_pool.connection_kwargs["socket_timeout"] = 1.5 * late_s
            for _ in range(2):
                assert await client.ask(("PING",)) == b"OK"
            with pytest.raises(TimeoutError, match="Redis is silent"):
                await client.ask(("PING",))


def names_in(path: Path) -> set[str]:
    tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    found = {getattr(node, "attr", getattr(node, "id", "")) for node in tree}
    return {name for name in found if isinstance(name, str)}


def test_one_module_alone_knows_what_is_private_to_redis_py() -> None:
    """Every module that imports redis-py, in any folder of the product, and all of the runtime."""
    product = ("agent", "cli", "config", "integrations", "model_runtime", "training")
    knowing = {
        str(path.relative_to(ROOT))
        for folder in product
        for path in (ROOT / folder).rglob("*.py")
        if "model_runtime/redis/" in str(path)
        or re.search(r"^\s*(from|import) redis\b", path.read_text(encoding="utf-8"), re.MULTILINE)
        if names_in(path) & PRIVATE
    }
    assert knowing == {"model_runtime/redis/connection.py"}


def test_redis_py_is_capped_at_what_the_tests_run_with() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (cap,) = re.findall(r'"redis\[hiredis\]>=[\d.]+,<([\d.]+)"', project)
    installed = importlib.metadata.version("redis").split(".")[:2]
    major, minor = map(int, cap.split("."))
    assert [int(part) for part in installed] == [major, minor - 1]

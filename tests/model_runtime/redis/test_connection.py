"""What answers need not be a Redis, or not a whole one."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest
from redis.exceptions import ConnectionError

from interject.model_runtime.redis.address import Address

NONSENSE = [b"-MOVED 1 nowhere\r\n", b"-MOVED\r\n", b"-ASK 1 here:there\r\n", b"-MOVED x y:1\r\n"]


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

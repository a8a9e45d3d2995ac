"""A network between one process and Redis, that a test may stall or cut."""

from __future__ import annotations

import asyncio
import contextlib

from tests.live.redis.server import free_port

READ_BYTES = 1 << 16


class Proxy:
    """Forwards a loopback port to another, both ways."""

    def __init__(self, target_port: int) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._target_port = target_port
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._cut = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._ways: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        return self

    async def __aexit__(self, *error: object) -> None:
        """Whoever is connected is cut off."""
        assert self._server is not None, "it was not started"
        self._server.close()
        self.cut()
        self._flowing.set()
        if self._ways:
            await asyncio.wait(self._ways)

    def stall(self) -> None:
        """Hold back whatever is sent; connections stay."""
        self._flowing.clear()

    def cut(self) -> None:
        """End every connection, and each new one at once."""
        self._cut = True
        for writer in self._writers:
            writer.transport.abort()

    def heal(self) -> None:
        """Let everything through again."""
        self._cut = False
        self._flowing.set()

    async def _serve(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        way = asyncio.current_task()
        assert way is not None, "a connection is served in a task"
        self._ways.add(way)
        way.add_done_callback(self._ways.discard)
        await self._connect(near, back)

    async def _connect(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            if not self._cut:
                far, forth = await asyncio.open_connection("127.0.0.1", self._target_port)
                await self._forward((near, forth), (far, back))
        back.transport.abort()

    async def _forward(self, *ways: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        writers = {writer for _, writer in ways}
        self._writers |= writers
        try:
            pumps = [asyncio.create_task(self._pump(*way)) for way in ways]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                pump.cancel()
            await asyncio.wait(pumps)
        finally:
            self._writers -= writers
            for writer in writers:
                writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(READ_BYTES):
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()

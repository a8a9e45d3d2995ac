"""A server has its signals from the program that runs it, so that several do not cross."""

from __future__ import annotations

import asyncio
import signal
import socket
from pathlib import Path

from starlette.applications import Starlette

from interject.integrations.web.http_server import HttpServer

PRODUCT = ("agent", "cli", "config", "integrations", "model_runtime", "training")
ROOT = Path(__file__).parents[3]
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def handlers() -> list[object]:
    return [signal.getsignal(number) for number in STOPPING]


async def test_servers_that_overlap_leave_every_handler_as_it_was() -> None:
    before = handlers()
    servers = []
    async with asyncio.TaskGroup() as group:
        for _ in range(2):
            server = HttpServer(Starlette(), socket.create_server(("127.0.0.1", 0)))
            servers.append((server, group.create_task(server.run())))
            await server.until_serving()
        for server, running in servers:
            assert handlers() == before
            server.stop()
            await running
    assert handlers() == before


def test_nothing_else_runs_uvicorn() -> None:
    """Whose own `Server` would take signals, and give back another's."""
    users = [
        path.relative_to(ROOT).as_posix()
        for folder in PRODUCT
        for path in (ROOT / folder).rglob("*.py")
        if "uvicorn.Server" in (text := path.read_text("utf-8")) or "uvicorn.run" in text
    ]
    assert users == ["integrations/web/http_server.py"]

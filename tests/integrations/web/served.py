"""An app on a real socket of loopback, for as long as a test needs it."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from interject.integrations.web.http_server import HttpServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import ASGIApp


@asynccontextmanager
async def served(app: ASGIApp, listener: socket.socket | None = None) -> AsyncIterator[str]:
    """Its URL. An app that must know it beforehand comes with its listener."""
    with listener or socket.create_server(("127.0.0.1", 0)) as listening:
        server = HttpServer(app, listening)
        running = asyncio.create_task(server.run())  # a group would wrap what a test raises
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.stop()
            await running

"""Uvicorn, run by a program that has signals and a socket of its own."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import TYPE_CHECKING, cast

import uvicorn

from interject.integrations.web.connections import Connections
from interject.integrations.web.limited_protocol import CallerPatience, LimitedHttp, LimitedSocket

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from starlette.types import ASGIApp

MOST_MESSAGE_BYTES = 64 * 1024
"""Of a web socket. Twilio's have 300, and no more than a few kB."""
WAITING_MESSAGES = 64
"""Then a socket that is read too slowly is read no more until there is room."""
PING_S = 20.0
IDLE_S = 65
"""Between two requests. nginx and load balancers close theirs after 60 s, and must be first: what
they send into one that closes is lost.
"""
ACCEPTED_AT_ONCE = 16
"""asyncio takes so many before it looks at any of them; they wait for a moment though they have
sent their requests.
"""
QUEUE = 1_024
"""The system holds so many until they are taken, so that a burst is late and not refused."""
END_S = 3
"""For answers in progress, once it is told to stop."""


class HttpServer:
    """Serves an app at a socket that listens already. It believes no header about who calls."""

    def __init__(
        self,
        app: ASGIApp,
        listener: socket.socket,
        connections: Connections | None = None,
        *,
        patience: CallerPatience | None = None,
    ) -> None:
        connections, patience = connections or Connections(), patience or CallerPatience()
        http = partial(LimitedHttp, connections=connections, patience=patience)
        web_socket = partial(LimitedSocket, connections=connections, patience=patience)
        config = uvicorn.Config(
            app,
            ws=cast("type[asyncio.Protocol]", web_socket),
            ws_max_size=MOST_MESSAGE_BYTES,
            ws_max_queue=WAITING_MESSAGES,
            ws_ping_interval=PING_S,
            ws_ping_timeout=PING_S,
            ws_per_message_deflate=False,
            lifespan="on",
            loop="asyncio",
            http=cast("type[asyncio.Protocol]", http),
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=ACCEPTED_AT_ONCE,
            timeout_keep_alive=IDLE_S,
            timeout_graceful_shutdown=END_S,
        )
        self._server = _Uvicorn(config)
        self._listener = listener

    async def run(self) -> None:
        """Return when it has been stopped, and the app has ended.

        :raises RuntimeError: when the app could not start; its log says why.
        """
        try:
            await self._server.serve([self._listener])
        except SystemExit as error:
            raise RuntimeError("the app did not start") from error

    async def until_serving(self) -> None:
        await self._server.serving.wait()

    def stop(self) -> None:
        self._server.should_exit = True


class _Uvicorn(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.serving = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(QUEUE)
        self.serving.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

"""Serves one engine to the processes of a machine, through a Unix socket."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import stat
from typing import TYPE_CHECKING

from interject.model_runtime.local.acceptor import accept_forever
from interject.model_runtime.local.connection import ClientConnection
from interject.model_runtime.local.link import Link
from interject.model_runtime.protocol import RuntimeFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from interject.model_runtime.embedded import EmbeddedRuntime

FAREWELL_S = 5.0
"""A client that does not read by then never learns how its sessions ended."""
MAX_IDLE = 128
"""Connections without a session. Those with one are bounded by the slots."""

logger = logging.getLogger(__name__)


class Host:
    """Every connection is a client; its sessions end with it."""

    def __init__(self, runtime: EmbeddedRuntime) -> None:
        self._runtime = runtime
        self._clients: dict[asyncio.Task[None], ClientConnection] = {}
        self._engine_gone = asyncio.Event()

    async def run(
        self, listening: socket.socket, stop: asyncio.Event, ready: Callable[[], None]
    ) -> None:
        """Serve until `stop` is set, then close every session.

        :raises RuntimeFailure: when the engine has failed.
        """
        accepting = asyncio.create_task(accept_forever(listening, self._accept, self._cut_idle))
        ready()
        waits = [asyncio.create_task(event.wait()) for event in (stop, self._engine_gone)]
        try:
            await asyncio.wait([*waits, accepting], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (*waits, accepting):
                task.cancel()
            await asyncio.wait([accepting])
            await self._runtime.aclose()
            await self._say_farewell()
        if not accepting.cancelled():
            accepting.result()
        if self._engine_gone.is_set():
            raise RuntimeFailure("the engine failed; see the log")

    async def _say_farewell(self) -> None:
        sessions = [task for client in self._clients.values() for task in client.sessions]
        for tasks in (sessions, list(self._clients)):
            if tasks:
                await asyncio.wait(tasks, timeout=FAREWELL_S)
            for client in self._clients.values():
                client.link.close()
        for task in self._clients:
            task.cancel()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if sum(client.idle for client in self._clients.values()) >= MAX_IDLE:
            self._cut_idle()
        client = ClientConnection(
            Link(reader, writer), self._runtime, engine_gone=self._engine_gone.set
        )
        task = asyncio.create_task(client.serve(), name="client")
        self._clients[task] = client
        task.add_done_callback(self._clients.pop)

    def _cut_idle(self) -> None:
        """The one that came first. A client of ours comes back at once."""
        idle = (client for client in self._clients.values() if client.idle and not client.link.cut)
        client = next(idle, None)
        if client is not None:
            logger.info("too many connections without a session; the oldest was cut")
            client.link.abort()


@contextlib.contextmanager
def listening_at(path: Path) -> Iterator[socket.socket]:
    """A socket for this user alone. What a dead server left there is replaced.

    :raises RuntimeFailure: when somebody listens there, or the path cannot be used.
    """
    _check_free(path)
    listening = socket.socket(socket.AF_UNIX)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        listening.bind(str(fresh))
        fresh.chmod(0o600)
        listening.listen()
        fresh.rename(path)
    except OSError as error:
        listening.close()
        raise RuntimeFailure(f"{path}: {error.strerror or error}; choose another path") from None
    with listening:
        try:
            yield listening
        finally:
            path.unlink(missing_ok=True)


def _check_free(path: Path) -> None:
    if not path.exists():
        return
    if not stat.S_ISSOCK(path.stat().st_mode):
        raise RuntimeFailure(f"{path}: is no socket; choose another path")
    with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(ConnectionRefusedError):
        probe.connect(str(path))
        raise RuntimeFailure(f"{path}: another server listens there; stop it first")

"""Serves one engine to the processes of a machine, through a Unix socket."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import stat
from typing import TYPE_CHECKING

from interject.model_runtime.local.guest import Guest
from interject.model_runtime.local.link import LOST, Link
from interject.model_runtime.local.messages import VERSION, Kind, Message, MessageError
from interject.model_runtime.protocol import RuntimeFailure, SessionClosed
from interject.model_runtime.remote.wire import Opened, WireError, decode_options, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from interject.model_runtime.embedded import EmbeddedRuntime
    from interject.model_runtime.protocol import SessionOptions

FAREWELL_S = 5.0
"""A client that does not read by then never learns how its sessions ended."""

logger = logging.getLogger(__name__)


class Host:
    """Every connection is a client; its sessions end with it."""

    def __init__(self, runtime: EmbeddedRuntime) -> None:
        self._runtime = runtime
        self._clients: set[asyncio.Task[None]] = set()
        self._guests: set[asyncio.Task[None]] = set()
        self._links: set[Link] = set()
        self._engine_gone = asyncio.Event()

    async def run(
        self, listening: socket.socket, stop: asyncio.Event, ready: Callable[[], None]
    ) -> None:
        """Serve until `stop` is set, then close every session.

        :raises RuntimeFailure: when the engine has failed.
        """
        server = await asyncio.start_unix_server(self._accept, sock=listening)
        ready()
        waits = [asyncio.create_task(event.wait()) for event in (stop, self._engine_gone)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            server.close()
            await self._runtime.aclose()
            await self._say_farewell()
        if self._engine_gone.is_set():
            raise RuntimeFailure("the engine failed; see the log")

    async def _say_farewell(self) -> None:
        for tasks in (self._guests, self._clients):
            if tasks:
                await asyncio.wait(tasks, timeout=FAREWELL_S)
            for link in list(self._links):
                link.close()
        for task in self._clients:
            task.cancel()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(Link(reader, writer)), name="client")
        self._clients.add(task)
        task.add_done_callback(self._clients.discard)

    async def _serve(self, link: Link) -> None:
        guests: dict[int, Guest] = {}
        self._links.add(link)
        try:
            async with link, asyncio.TaskGroup() as group:
                try:
                    await link.send(Message(Kind.HELLO, fields={b"v": VERSION}))
                    while True:
                        self._take(await link.read(), link, guests, group)
                except MessageError as error:
                    logger.warning("a client was dropped", extra={"reason": str(error)})
                except LOST:
                    logger.debug("a client has gone")
                finally:
                    for guest in guests.values():
                        guest.leave()
        finally:
            self._links.discard(link)

    def _take(
        self, message: Message, link: Link, guests: dict[int, Guest], group: asyncio.TaskGroup
    ) -> None:
        channel = message.channel
        if message.kind is Kind.COUNT:
            group.create_task(self._count(message.number, link))
        elif message.kind is Kind.OPEN and channel not in guests:
            try:
                options = decode_options(message.fields.get(b"d", b""))
            except WireError as error:
                fields = encode(Opened(str(error)))
                group.create_task(_send(link, Message(Kind.ITEM, channel, fields=fields)))
            else:
                self._admit(channel, options, link, guests, group)
        elif message.kind is Kind.ITEM and channel in guests:
            guests[channel].take(message)

    def _admit(
        self,
        channel: int,
        options: SessionOptions,
        link: Link,
        guests: dict[int, Guest],
        group: asyncio.TaskGroup,
    ) -> None:
        guest = guests[channel] = Guest(
            channel,
            self._runtime,
            send=lambda output: _send(link, output),
            engine_gone=self._engine_gone.set,
        )
        task = group.create_task(guest.run(options), name="session")
        self._guests.add(task)
        task.add_done_callback(self._guests.discard)
        task.add_done_callback(lambda _: guests.pop(channel))

    async def _count(self, number: int, link: Link) -> None:
        try:
            free = await self._runtime.free_slots()
        except SessionClosed:
            self._engine_gone.set()
        else:
            await _send(link, Message(Kind.COUNT, number=number, fields={b"n": b"%d" % free}))


async def _send(link: Link, message: Message) -> None:
    """To a client that may have gone: its reader has noticed, or will."""
    with contextlib.suppress(OSError):
        await link.send(message)


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

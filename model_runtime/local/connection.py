"""One client of a `Host`, and its sessions."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from interject.model_runtime.local.guest import Guest
from interject.model_runtime.local.link import LOST, Link
from interject.model_runtime.local.messages import VERSION, Kind, Message, MessageError
from interject.model_runtime.protocol import SessionClosed
from interject.model_runtime.remote.options_codec import decode_options
from interject.model_runtime.remote.wire import Opened, WireError, encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.model_runtime.embedded import EmbeddedRuntime
    from interject.model_runtime.protocol import SessionOptions

MAX_PENDING = 64
"""Counts and openings that were asked for and not answered. Nothing more is read of a client with
so many: one that asks and never reads would fill the memory.
"""

logger = logging.getLogger(__name__)


class ClientConnection:
    """Its sessions end with it. `engine_gone` is called when the engine takes no session more."""

    def __init__(
        self, link: Link, runtime: EmbeddedRuntime, *, engine_gone: Callable[[], None]
    ) -> None:
        self.link = link
        self.guests: dict[int, Guest] = {}
        self.sessions: set[asyncio.Task[None]] = set()
        self._runtime = runtime
        self._engine_gone = engine_gone
        self._pending = asyncio.Semaphore(MAX_PENDING)

    @property
    def idle(self) -> bool:
        """Whether it has no session."""
        return not any(guest.seated for guest in self.guests.values())

    async def serve(self) -> None:
        """Until the client is gone."""
        async with self.link as link, asyncio.TaskGroup() as group:
            try:
                await link.send(Message(Kind.HELLO, fields={b"v": VERSION}))
                while True:
                    await self._take(await link.read(), group)
            except MessageError as error:
                logger.warning("a client was dropped", extra={"reason": str(error)})
            except LOST:
                logger.debug("a client has gone")
            finally:
                for guest in self.guests.values():
                    guest.leave()

    async def _take(self, message: Message, group: asyncio.TaskGroup) -> None:
        channel = message.channel
        if message.kind is Kind.COUNT:
            await self._pending.acquire()
            group.create_task(self._count(message.number))
        elif message.kind is Kind.OPEN and channel not in self.guests:
            await self._pending.acquire()
            self._open(channel, message.fields.get(b"d", b""), group)
        elif message.kind is Kind.ITEM and channel in self.guests:
            await self.guests[channel].take(message)

    async def _count(self, number: int) -> None:
        try:
            free = await self._runtime.free_slots()
            await self._send(Message(Kind.COUNT, number=number, fields={b"n": b"%d" % free}))
        except SessionClosed:
            self._engine_gone()
        finally:
            self._pending.release()

    def _open(self, channel: int, options: bytes, group: asyncio.TaskGroup) -> None:
        try:
            decoded = decode_options(options)
        except WireError as error:
            group.create_task(self._refuse(channel, str(error)))
            return
        guest = self.guests[channel] = Guest(
            channel, self._runtime, send=self._send, engine_gone=self._engine_gone
        )
        task = group.create_task(self._host(guest, decoded), name="session")
        self.sessions.add(task)
        task.add_done_callback(self.sessions.discard)
        task.add_done_callback(lambda _: self.guests.pop(channel))

    async def _refuse(self, channel: int, error: str) -> None:
        try:
            await self._send(Message(Kind.ITEM, channel, fields=encode(Opened(error))))
        finally:
            self._pending.release()

    async def _host(self, guest: Guest, options: SessionOptions) -> None:
        try:
            session = await guest.open(options)
        finally:
            self._pending.release()
        if session is not None:
            await guest.run(session)

    async def _send(self, message: Message) -> None:
        """To a client that may have gone: its reader has noticed, or will."""
        with contextlib.suppress(OSError):
            await self.link.send(message)

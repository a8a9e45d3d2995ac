"""One end of the connection between a media process and the model's process."""

from __future__ import annotations

import asyncio
import errno
from typing import TYPE_CHECKING, Self

from interject.model_runtime.local.messages import (
    VERSION,
    Kind,
    Message,
    MessageError,
    pack,
    read_message,
)
from interject.model_runtime.protocol import RuntimeFailure

if TYPE_CHECKING:
    from pathlib import Path

CLOSE_S = 1.0
LOST = (OSError, asyncio.IncompleteReadError, MessageError)
"""What `read` and `send` raise when the other side is gone, or is none of ours."""

_QUEUE_FULL = (errno.EAGAIN, errno.EINVAL, errno.ENOTCONN)
"""asyncio takes a Unix socket that could not be connected yet for one that is."""


class Link:
    """Messages over a socket. Leaving its `async with` block closes it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._writing = asyncio.Lock()
        self.cut = False

    @classmethod
    async def reach(cls, path: Path, *, answer_s: float) -> Link:
        """Connect to a server.

        :raises OSError: when nobody listens there, or hangs up.
        :raises RuntimeFailure: when it is silent, or no such server.
        """
        link = cls(*await asyncio.open_unix_connection(str(path)))
        try:
            async with asyncio.timeout(answer_s):
                hello = await link.read()
        except BaseException as error:
            link.close()
            raise _explained(error, path, answer_s) from None
        version = hello.fields.get(b"v", b"")
        if hello.kind is not Kind.HELLO or version != VERSION:
            link.close()
            raise RuntimeFailure(f"{path}: the server is of another version; start this one's")
        return link

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        """The other side may be frozen, and read nothing any more."""
        self.close()
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._writer.wait_closed()
        except (OSError, TimeoutError):
            self._writer.transport.abort()

    async def read(self) -> Message:
        """The next message."""
        return await read_message(self._reader)

    async def send(self, message: Message) -> None:
        """Returns when little is left to be read by the other side.

        asyncio logs a line for each write to a side that has gone, so there is none.
        """
        async with self._writing:
            if self._writer.is_closing():
                raise ConnectionResetError("the other side has gone")
            self._writer.write(pack(message))
            await self._writer.drain()

    def close(self) -> None:
        """Hang up once everything is written."""
        self._writer.close()

    def abort(self) -> None:
        """Hang up, whatever is not written."""
        self.cut = True
        self._writer.transport.abort()


def _explained(error: BaseException, path: Path, answer_s: float) -> BaseException:
    if isinstance(error, TimeoutError):
        return RuntimeFailure(f"{path}: the server is silent for {answer_s:.0f} s; start it again")
    if isinstance(error, MessageError):
        return RuntimeFailure(f"{path}: {error}")
    if isinstance(error, asyncio.IncompleteReadError):
        return ConnectionResetError("the server hung up")
    if isinstance(error, OSError) and error.errno in _QUEUE_FULL:
        return ConnectionRefusedError("the server has too many connections to accept")
    return error

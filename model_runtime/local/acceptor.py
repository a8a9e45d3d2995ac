"""Takes clients in at a listening socket, one at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

RETRY_S = 0.1


async def accept_forever(
    listening: socket.socket,
    take: Callable[[asyncio.StreamReader, asyncio.StreamWriter], None],
    make_room: Callable[[], None],
) -> None:
    """`make_room` is called when the process has no file descriptor left for one more.

    asyncio's own servers accept a hundred at once, and log as many tracebacks when they cannot.
    """
    listening.setblocking(False)
    loop = asyncio.get_running_loop()
    while True:
        try:
            accepted, _ = await loop.sock_accept(listening)
        except OSError:
            make_room()
            await asyncio.sleep(RETRY_S)
        else:
            take(*await asyncio.open_unix_connection(sock=accepted))

"""A door for plain sockets in a process of its own, without a model; its agents always talk."""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.webrtc_server import LoopLag, SilentRuntime, measured_by, silent_switchboard
from interject.integrations.sockets.door import SocketDoor
from interject.integrations.sockets.plain.platform import PlainPlatform
from interject.integrations.web.app import make_app
from interject.integrations.web.bearer import Bearer
from interject.integrations.web.http_server import HttpServer
from interject.integrations.web.origins import Origins
from interject.model_runtime.protocol import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from interject.integrations.sockets.socket_call import SocketCall

LOOK_S = 0.05
PIECE_S = 0.1
SPEECH = (5_000 * np.sin(np.arange(round(PIECE_S * SAMPLE_RATE_HZ)) / 7)).astype("<i2").tobytes()


async def talk(call: SocketCall) -> None:
    """As a voice does, a tenth of a second at a time."""
    assert call.sink is not None, "plain sockets take sound"
    while not call.over.is_set():
        await call.sink.write(SPEECH, SAMPLE_RATE_HZ)
        await asyncio.sleep(0)


async def talk_to_all(door: SocketDoor) -> None:
    talking: dict[SocketCall, asyncio.Task[None]] = {}
    async with asyncio.TaskGroup() as group:
        while True:
            for call in door.calls:
                if call not in talking:
                    talking[call] = group.create_task(talk(call))
            await asyncio.sleep(LOOK_S)


async def serve() -> None:
    """Write the port, and serve until stdin ends."""
    runtime, lag = SilentRuntime(), LoopLag()
    door = SocketDoor(silent_switchboard(runtime), [PlainPlatform(Bearer())])
    app = make_app([door], routers=[measured_by(runtime, lag)], origins=Origins([]))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = HttpServer(app, listening)
        async with asyncio.TaskGroup() as group:
            works = [group.create_task(lag.watch()), group.create_task(talk_to_all(door))]
            serving = group.create_task(server.run())
            print(listening.getsockname()[1], flush=True)
            await asyncio.to_thread(sys.stdin.read)
            server.stop()
            await serving
            for work in works:
                work.cancel()


if __name__ == "__main__":
    asyncio.run(serve())

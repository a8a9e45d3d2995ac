"""A server in a process that may open few files: `python -m ... LIMIT`; it says its port."""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
import sys

from fastapi import APIRouter

from interject.integrations.web.accept_errors import quieten_accept_errors
from interject.integrations.web.app import make_app
from interject.integrations.web.bearer import Bearer
from interject.integrations.web.cue_screens import CueScreens
from interject.integrations.web.http_server import HttpServer
from interject.integrations.web.origins import Origins


async def main(limit: int) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    quieten_accept_errors(asyncio.get_running_loop())
    held = []
    router = APIRouter()

    @router.get("/answer")
    async def answer() -> str:
        return "here"

    @router.get("/exhaust")
    async def exhaust() -> None:
        """Nothing is left, as when calls need more than they should."""
        while True:
            try:
                held.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            except OSError:
                return

    screens = CueScreens(Bearer())
    app = make_app([], routers=[router, screens.router], origins=Origins([]))
    listener = socket.create_server(("127.0.0.1", 0))
    server = HttpServer(app, listener)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.run())
        await server.until_serving()
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)
        screens.close()
        server.stop()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))

"""A small bot of the tests' own behind a number: what the test client is tried on."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Socket = web.WebSocketResponse
    Talk = Callable[["Conversation"], Awaitable[None]]

HOST = "bot.example.test"
ORIGIN = f"https://{HOST}"


class Conversation:
    """One media stream, as a server has it."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.messages: list[dict[str, Any]] = []
        self._socket = socket

    async def read(self) -> dict[str, Any] | None:
        """The next message; nothing when the stream is over."""
        message = await self._socket.receive()
        if message.type is not WSMsgType.TEXT:
            return None
        self.messages.append(json.loads(message.data))
        return self.messages[-1]

    async def until(self, event: str) -> dict[str, Any]:
        while (message := await self.read()) is not None:
            if message["event"] == event:
                return message
        raise AssertionError(f"no {event} came")

    async def send(self, event: str, **fields: object) -> None:
        sid = next(one["streamSid"] for one in self.messages if one["event"] == "start")
        await self._socket.send_json({"event": event, "streamSid": sid, **fields})

    async def send_bytes(self, data: bytes) -> None:
        await self._socket.send_bytes(data)


class EchoBot:
    """Used with `async with`. `talk` has each stream; `document` is what the webhook says."""

    def __init__(self, document: str, talk: Talk, *, after_s: float = 0.0) -> None:
        self.document = document
        self._after_s = after_s
        self.conversations: list[Conversation] = []
        self.requests: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.address = ""
        self._talk = talk
        application = web.Application()
        application.add_routes(
            [web.get("/media", self._media), web.post("/{path:.*}", self._webhook)]
        )
        self._runner = web.AppRunner(application, access_log=None)

    async def __aenter__(self) -> EchoBot:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.address = f"{host}:{port}"
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._runner.cleanup()

    async def _webhook(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.requests.append((request.path_qs, form, dict(request.headers)))
        await asyncio.sleep(self._after_s)
        return web.Response(text=self.document, content_type="text/xml")

    async def _media(self, request: web.Request) -> web.WebSocketResponse:
        self.requests.append((request.path_qs, {}, dict(request.headers)))
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        conversation = Conversation(socket)
        self.conversations.append(conversation)
        await self._talk(conversation)
        await socket.close()
        return socket

"""The server's end of a web socket whose other side says what a test has written down."""

from __future__ import annotations

import asyncio
import json
from typing import Any

Said = dict[str, Any] | str | bytes
"""A dictionary with a `type` is an event of ASGI, another one a message of JSON."""


class FakeWebSocket:
    """Says what it was given, and then nothing; keeps what it is sent."""

    def __init__(self, *said: Said) -> None:
        self._said = list(said)
        self.sent: list[str | bytes] = []
        self.closed: tuple[int, str | None] | None = None

    async def receive(self) -> dict[str, Any]:
        if not self._said:
            await asyncio.Event().wait()
        match self._said.pop(0):
            case str(text):
                return {"type": "websocket.receive", "text": text}
            case bytes(data):
                return {"type": "websocket.receive", "bytes": data, "text": None}
            case {"type": _} as event:
                return event
            case message:
                return {"type": "websocket.receive", "text": json.dumps(message)}

    async def send_text(self, data: str) -> None:
        self.sent.append(data)

    async def send_bytes(self, data: bytes) -> None:
        self.sent.append(data)

    async def close(self, code: int = 1000, reason: str | None = None) -> None:
        self.closed = code, reason

"""Attendee's REST API, or one like it, as far as an agent needs it, on a real server."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from starlette.responses import JSONResponse

from tests.integrations.web.served import served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

KEY = "key-of-a-project"


class AttendeeApi:
    """`chat` is what was written into which meeting; `answers` are the next ones' status codes."""

    def __init__(self, path: str = "/api/v1/bots/{bot_id}/send_chat_message") -> None:
        self._path = path
        self.chat: list[tuple[str, str]] = []
        self.answers: list[int] = []
        self.asked = 0
        self.url = ""

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.chat]

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[AttendeeApi]:
        app = FastAPI()

        @app.post(self._path)
        async def write(bot_id: str, request: Request) -> JSONResponse:
            self.asked += 1
            if request.headers.get("authorization") != f"Token {KEY}":
                return JSONResponse({"detail": "Invalid token."}, 401)
            status = self.answers.pop(0) if self.answers else 200
            body = await request.json()
            assert set(body) <= {"to", "to_user_uuid", "message"}
            if len(body["message"]) > 10_000 or any(ord(one) > 0xFFFF for one in body["message"]):
                status = 400
            if status == 200:
                self.chat.append((bot_id, body["message"]))
            return JSONResponse({}, status)

        async with served(app) as self.url:
            yield self

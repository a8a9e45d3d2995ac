"""A flood of requests leaves the sound of calls its part of the event loop."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

MOST_BEGUN = 8
"""In one turn of the event loop: about 10 ms of work."""


class Turnstile:
    """So many requests begin in each turn of the event loop, in the order in which they came.

    Hundreds that began at once would be answered at once, and what comes for a call, 20 ms of sound
    at a time, would wait for all of them. A web socket is a call's, and does not wait.
    """

    def __init__(self, app: ASGIApp, most_begun: int = MOST_BEGUN) -> None:
        self._app = app
        self._most_begun = self._left = most_begun
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._turning = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._pass()
        await self._app(scope, receive, send)

    async def _pass(self) -> None:
        loop = asyncio.get_running_loop()
        if not self._turning:
            self._turning = True
            loop.call_soon(self._turn)
        if self._left:
            self._left -= 1
            return
        self._waiting.append(place := loop.create_future())
        await place

    def _turn(self) -> None:
        self._left = self._most_begun
        self._turning = bool(self._waiting)
        while self._waiting and self._left:
            place = self._waiting.popleft()
            if not place.done():
                self._left -= 1
                place.set_result(None)
        if self._turning:
            asyncio.get_running_loop().call_soon(self._turn)

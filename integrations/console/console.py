"""The console of a server: its page, its API, and the sockets of those who look at it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Self

from fastapi import APIRouter
from starlette.responses import JSONResponse
from starlette.websockets import WebSocket

from interject.agent.first_of import first_of
from interject.integrations.console.console_api import PREFIX, ConsoleApi
from interject.integrations.console.console_page import console_page
from interject.integrations.console.console_socket import TOO_SLOW, ConsoleSocket
from interject.integrations.console.records_api import RecordsApi
from interject.integrations.console.shown_sessions import ShownSessions
from interject.integrations.console.strangers import Strangers
from interject.integrations.web.audio_socket import (
    GOING_AWAY,
    POLICY_VIOLATION,
    TRY_AGAIN,
    AudioSocket,
    SlowReader,
    SocketLeft,
    SocketLimits,
    StreamRefused,
)
from interject.integrations.web.log_throttle import LogThrottle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.agent.records.store import RecordStore
    from interject.integrations.console.access import ConsoleAccess
    from interject.integrations.console.live_sessions import LiveSessions
    from interject.integrations.console.session_source import SessionSource
    from interject.integrations.web.origins import Origins

logger = logging.getLogger(__name__)

LIMITS = SocketLimits(messages_a_s=20, most_at_once=200)
MOST_SOCKETS = 128
ENDS = "the server is about to stop; come back in a moment"
FULL = "too many consoles are open; close some"
CROWDED = "too many have not signed in; come back and sign in at once"


class Console:
    """Used with `async with` for as long as the server runs. `others` are sources of sessions that
    are served elsewhere. `slow` counts the sockets that were
    closed because they were read too slowly.
    """

    def __init__(
        self,
        sessions: LiveSessions,
        access: ConsoleAccess,
        origins: Origins,
        *,
        talk: bool,
        others: Sequence[SessionSource] = (),
        records: RecordStore | None = None,
        most_sockets: int = MOST_SOCKETS,
    ) -> None:
        self._sessions = ShownSessions(sessions, *others)
        self._access = access
        self._origins = origins
        self._talk = talk
        self._most_sockets = most_sockets
        self._strangers = Strangers()
        self._known_coming = 0
        self._refused, self._crowded = LogThrottle(), LogThrottle()
        self._closing = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        self.open_sockets = 0
        self.slow = 0
        self.router = APIRouter()
        self.router.include_router(console_page())
        kept = RecordsApi(records, access).router
        api = ConsoleApi(self._sessions, access, talk=talk, described=kept.routes)
        self.router.include_router(api.router)
        self.router.include_router(kept)
        self.router.add_api_websocket_route(f"{PREFIX}/socket", self._serve)

    async def __aenter__(self) -> Self:
        self._looking = asyncio.create_task(self._sessions.keep_looking(), name="console")
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait({self._looking})

    def close(self) -> None:
        """End the sockets, so that a server can end; pages come back by themselves."""
        self._closing.set()

    async def _serve(self, socket: WebSocket) -> None:
        if not self._may_come(socket):
            await socket.close(POLICY_VIOLATION)
            return
        if self.open_sockets + self._known_coming >= self._most_sockets:
            answer = JSONResponse({"detail": FULL}, HTTPStatus.SERVICE_UNAVAILABLE)
            await socket.send_denial_response(answer)
            return
        await socket.accept()
        audio = AudioSocket(socket, LIMITS)
        header = socket.headers.get("authorization", "")
        known = bool(header) and self._access.role(header) is not None
        address = None if known else socket.client.host if socket.client else ""
        page = ConsoleSocket(audio, self._sessions, self._access, header=header, talk=self._talk)
        with contextlib.suppress(SocketLeft):
            try:
                await self._run(page, address)
            except SlowReader:
                self._note_slow()
                await audio.close(TRY_AGAIN, TOO_SLOW)
            except StreamRefused as refusal:
                if refusal.reason == TOO_SLOW:
                    self._note_slow()
                await audio.close(refusal.code, refusal.reason)

    def _may_come(self, socket: WebSocket) -> bool:
        """A console is a page, so its origin is looked at where a token is asked for, too."""
        refused = self._origins.refusal(socket.headers, check_host=self._access.is_open)
        known = refused is None
        if not known and (count := self._refused.note()):
            logger.warning("A console of a strange page was not let in", extra={"count": count})
        return known

    async def _sign_in(self, page: ConsoleSocket, address: str | None) -> None:
        """`address` is None where the header's token is known: it takes no stranger's place.

        :raises StreamRefused: when it does not sign in, or has to make room.
        """
        if address is None:
            self._known_coming += 1
            try:
                await page.sign_in()
            finally:
                self._known_coming -= 1
            return
        with self._strangers.waiting(address) as stranger:
            if not await first_of(page.sign_in(), stranger.turned_out.wait()):
                return
        if count := self._crowded.note():
            logger.warning("Consoles that did not sign in are closed", extra={"count": count})
        raise StreamRefused(TRY_AGAIN, CROWDED)

    async def _run(self, page: ConsoleSocket, address: str | None) -> None:
        await self._sign_in(page, address)
        if self.open_sockets >= self._most_sockets:
            raise StreamRefused(TRY_AGAIN, FULL)
        self.open_sockets += 1
        try:
            await first_of(page.run(), self._closing.wait())
        finally:
            self.open_sockets -= 1
        raise StreamRefused(GOING_AWAY, ENDS)

    def _note_slow(self) -> None:
        self.slow += 1
        logger.warning("A console was read too slowly and is closed")

"""A server with a console whose calls, and what the model says in them, a test writes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
from websockets.asyncio.client import ClientConnection, connect

from interject.config import Profile, RoomSettings
from interject.integrations.console.access import ConsoleAccess
from interject.integrations.console.console import Console
from interject.integrations.console.live_sessions import LiveSessions
from interject.integrations.console.neighbours import Neighbours
from interject.integrations.conversation.role import Role
from interject.integrations.conversation.switchboard import Switchboard
from interject.integrations.web.app import make_app
from interject.integrations.web.bearer import Bearer
from interject.integrations.web.cue_screens import CueScreens
from interject.integrations.web.origins import Origins
from tests.fakes.line import FakeLine
from tests.fakes.runtime import FakeRuntime
from tests.fakes.sink import FakeSink
from tests.integrations.web.served import served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from interject.agent.records.store import RecordStore
    from interject.integrations.console.neighbourhood import Neighbourhood
    from interject.integrations.conversation.call_agent import CallAgent
    from tests.fakes.runtime import FakeRuntimeSession

OPERATOR, VIEWER = "an-operator-s-own-token", "a-viewer-s-own-token"
QUIET = RoomSettings(announce="none")
LOUD = np.full(6_400, 8_000, np.int16)


class ConsolePage:
    """A program at the console's socket, signed in."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._ids = iter(range(1, 1_000))
        self.welcome: dict[str, Any] = {}
        self.seen: list[dict[str, Any]] = []

    async def tell(self, **message: object) -> None:
        await self._connection.send(json.dumps(message))

    async def next(self, kind: str, wanted: Callable[[Any], object] = bool) -> Any:
        """The next message of a kind that is as wanted; others are kept in `seen`."""
        async with asyncio.timeout(10):
            while True:
                found = json.loads(await self._connection.recv())
                self.seen.append(found)
                if found["type"] == kind and wanted(found):
                    return found

    async def follow(self, session: str) -> list[dict[str, Any]]:
        await self.tell(type="follow", session=session)
        found: list[dict[str, Any]] = (await self.next("history"))["moments"]
        return found

    async def operate(self, session: str, **command: object) -> Any:
        number = next(self._ids)
        await self.tell(type="command", id=number, session=session, command=command)
        return await self.next("answer", lambda answer: answer["id"] == number)


class Desk:
    def __init__(
        self,
        *,
        records: RecordStore | None = None,
        way: Neighbourhood | None = None,
        port: int = 0,
        **profile: Any,
    ) -> None:
        settings = {
            "name": "desk",
            "system_prompt": "listen",
            "room": RoomSettings(announce="none"),
        }
        self.runtime = FakeRuntime(slots=100)
        self.screens = CueScreens(Bearer(OPERATOR, VIEWER))
        self.sessions = LiveSessions(self.screens, server="" if way is None else way.token)
        self.neighbours = (
            None if way is None else Neighbours(way, self.sessions, looks=True, beat_s=0.1)
        )
        role = Role(Profile.model_validate({**settings, **profile}), self.runtime)
        self.board = Switchboard(role, self.runtime, followers=[self.sessions], records=records)
        self.listener = socket.create_server(("127.0.0.1", port))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        origins = Origins([self.url])
        access = ConsoleAccess(Bearer(OPERATOR), Bearer(OPERATOR, VIEWER))
        others = () if self.neighbours is None else (self.neighbours.sessions,)
        self.console = Console(
            self.sessions, access, origins, talk=False, others=others, records=records
        )
        self.app = make_app([], routers=[self.screens.router, self.console.router], origins=origins)

    @property
    def model(self) -> FakeRuntimeSession:
        return self.runtime.sessions[-1]

    def http(self, token: str = OPERATOR) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=self.url, headers={"Authorization": f"Bearer {token}"} if token else {}
        )

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @contextlib.asynccontextmanager
    async def call(self, call_id: str = "call", **about: Any) -> AsyncIterator[CallAgent]:
        settings = {"door": "test", "line": FakeLine(), "sink": FakeSink(), "speakers": ("caller",)}
        async with self.board.call(
            self.board.reserve(), call_id=call_id, **{**settings, **about}
        ) as agent:
            yield agent

    async def hear(self, agent: CallAgent, chunks: int = 1, who: str = "caller") -> None:
        """So many chunks of sound, and their decisions."""
        model = self.runtime.sessions[-1]
        heard = len(model.frames)
        while len(model.frames) < heard + chunks:
            agent.hear(who, LOUD[:320])
            await asyncio.sleep(0.02)

    @contextlib.asynccontextmanager
    async def page(
        self, token: str = OPERATOR, *, name: str = "", origin: str | None = None, **options: Any
    ) -> AsyncIterator[ConsolePage]:
        address = self.url.replace("http", "ws") + "/api/console/socket"
        headers = {"Origin": origin} if origin else None
        async with connect(address, additional_headers=headers, **options) as connection:
            page = ConsolePage(connection)
            await page.tell(type="sign_in", token=token, name=name)
            page.welcome = await page.next("welcome")
            page.welcome["sessions"] = (await page.next("sessions"))["sessions"]
            yield page


@contextlib.asynccontextmanager
async def desk(
    records: RecordStore | None = None, way: Neighbourhood | None = None, **profile: Any
) -> AsyncIterator[Desk]:
    made = Desk(records=records, way=way, **profile)
    neighbours = made.neighbours or contextlib.nullcontext()
    async with made.console, neighbours, served(made.app, made.listener):
        try:
            yield made
        finally:
            made.console.close()
            made.screens.close()

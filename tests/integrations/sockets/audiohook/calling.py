"""Genesys at a door on a real server."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from interject.integrations.sockets.audiohook.codec import AudioHookRole
from interject.integrations.sockets.audiohook.platform import AudioHookPlatform
from interject.integrations.sockets.audiohook.request_check import RequestCheck
from interject.integrations.sockets.simulator.audiohook import AudioHookDialect
from interject.integrations.sockets.simulator.audiohook_session import (
    CONNECTOR_OFFERS,
    MONITOR_OFFERS,
    AudioHookSession,
)
from interject.integrations.sockets.simulator.peer import SimulatedPeer
from tests.integrations.sockets.audiohook.signing import API_KEY, SECRET, Client
from tests.integrations.sockets.stage import socket_server
from tests.integrations.twilio.stage import FakeScreens

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.integrations.sockets.stage import SocketStage

HOST = "voice.example.test"
MONITOR, CONNECTOR = AudioHookRole.MONITOR, AudioHookRole.CONNECTOR
ASSIST: dict[str, Any] = {"mode": "assist", "outputs": ("cue",), "room": {"announce": "none"}}


class QuickPlatform(AudioHookPlatform):
    """Whose patience a test can wait for."""

    farewell_s = 0.5


def platforms_of(screens: FakeScreens | None = None) -> list[AudioHookPlatform]:
    check = RequestCheck({API_KEY: SECRET}, HOST)
    return [QuickPlatform(role, check, screens) for role in AudioHookRole]


@contextlib.asynccontextmanager
async def genesys_server(**given: Any) -> AsyncIterator[SocketStage]:
    """Both integrations, which ask for signatures of this host."""
    screens = FakeScreens()
    async with socket_server(platforms_of(screens), **given) as stage:
        yield replace(stage, screens=screens)


class GenesysPeer(SimulatedPeer):
    """One session of an integration, which signs as an independent library does."""

    def __init__(
        self, role: AudioHookRole = MONITOR, session: AudioHookSession | None = None
    ) -> None:
        may_play = role is CONNECTOR
        offers = CONNECTOR_OFFERS if may_play else MONITOR_OFFERS
        self.session = session or AudioHookSession(media=offers, may_play=may_play)
        self.line = AudioHookDialect(self.session)
        super().__init__(
            self.line, speakers=("external",) if may_play else ("external", "internal")
        )
        self.role = role

    def signed(self, *, unsigned: bool = False, **changes: Any) -> dict[str, str]:
        """The headers; `unsigned`: of an integration without a client secret."""
        given: dict[str, Any] = {"now": time.time()} | changes
        secret = given.pop("secret", SECRET)
        client = Client(
            secret,
            organization_id=self.session.organization_id,
            session_id=self.session.session_id,
        )
        url = f"https://{HOST}/sockets/audiohook/{self.role.value}"
        headers = client.signed(url, **given)
        return {
            name: value
            for name, value in headers.items()
            if not (unsigned and name.startswith("Signature"))
        }

    def kinds(self) -> list[str]:
        return [told.kind for told in self.told]

    @contextlib.asynccontextmanager
    async def calls(
        self, stage: SocketStage, headers: dict[str, str] | None = None, **given: Any
    ) -> AsyncIterator[GenesysPeer]:
        url = f"{stage.url}/sockets/audiohook/{self.role.value}"
        signed = self.signed() if headers is None else headers
        async with self.dialled(url, signed, **given):
            yield self

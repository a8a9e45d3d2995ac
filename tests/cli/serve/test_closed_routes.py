"""Who may not call is told so before anything that he sends is waited for, read or judged."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from fastapi.routing import iter_route_contexts
from prometheus_client import CollectorRegistry

from interject.cli.serve.probes import probe_router
from interject.cli.serve.readiness import Readiness
from interject.config import load_profile
from interject.integrations.console.access import ConsoleAccess
from interject.integrations.console.console import Console
from interject.integrations.console.live_sessions import LiveSessions
from interject.integrations.conversation.role import Role
from interject.integrations.conversation.switchboard import Switchboard
from interject.integrations.sockets.attendee.platform import AttendeePlatform
from interject.integrations.sockets.attendee.settings import AttendeeSettings
from interject.integrations.sockets.door import SocketDoor
from interject.integrations.sockets.plain.platform import PlainPlatform
from interject.integrations.twilio.door import TwilioDoor
from interject.integrations.twilio.settings import TwilioSettings
from interject.integrations.web.app import make_app
from interject.integrations.web.bearer import Bearer
from interject.integrations.web.cue_screens import CueScreens
from interject.integrations.web.origins import Origins
from interject.integrations.webrtc.door import WebRtcDoor
from tests.fakes.runtime import FakeRuntime
from tests.integrations.web.served import served

if TYPE_CHECKING:
    from fastapi import FastAPI

    from interject.integrations.web.door import Door

TOKEN = "a-token-of-some-length"
OPEN = {"/healthz", "/readyz"}
REFUSALS = (401, 403, 404, 405)
"""The last two where Twilio asks in a way that comes to nothing for anybody."""
SOCKETS = {"/twilio/media", "/api/console/socket"}
"""Their handshake has no body; what they refuse is tested with their door."""


def app_of_all_doors() -> FastAPI:
    runtime = FakeRuntime()
    board = Switchboard(Role(load_profile("default"), runtime), runtime)
    bearer = Bearer(TOKEN)
    screens = CueScreens(bearer)
    settings = TwilioSettings(
        account_sid=f"AC{'0' * 32}", auth_token="t" * 32, public_url="https://a.example.org"
    )
    attendee = AttendeeSettings(secret="s" * 16, webhook_secret="c2VjcmV0" * 4)
    doors: list[Door] = [
        TwilioDoor(board, settings, bearer=bearer, screens=screens),
        WebRtcDoor(board, bearer=bearer),
        SocketDoor(board, [PlainPlatform(bearer, screens), AttendeePlatform(attendee, screens)]),
    ]
    probes = probe_router(
        Readiness(lambda: asyncio.sleep(0, 1), lambda: asyncio.sleep(0, "")),
        CollectorRegistry(),
        bearer,
    )
    origins = Origins([])
    console = Console(LiveSessions(screens), ConsoleAccess(bearer, bearer), origins, talk=True)
    return make_app(doors, routers=[screens.router, console.router, probes], origins=origins)


def closed_routes() -> list[tuple[str, str]]:
    found = []
    for route in iter_route_contexts(app_of_all_doors().routes):
        assert route.path is not None
        is_page = route.path == "/" or route.path.startswith(("/page/", "/cues", "/console"))
        if not is_page and route.path not in OPEN | SOCKETS:
            found += [(method, route.path) for method in route.methods or ()]
    return sorted(found)


@pytest.mark.parametrize("framing", ["Content-Length: 5000", "Transfer-Encoding: chunked"])
async def test_every_route_refuses_before_the_body_is_there(framing: str) -> None:
    routes = closed_routes()
    assert len(routes) >= 15, routes
    async with served(app_of_all_doors()) as url:
        port = int(url.rpartition(":")[2])
        statuses = [(route, await refusal(port, *route, framing)) for route in routes]
    assert {(route, status) for route, status in statuses if status not in REFUSALS} == set()


async def refusal(port: int, method: str, path: str, framing: str) -> int:
    """Of a stranger whose body has begun, and does not go on."""
    path = path.replace("{call_sid}", "no such call")
    head = f"{method} {path.replace(' ', '%20')} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"{head}{framing}\r\n\r\n".encode() + b"2\r\n{!")
        async with asyncio.timeout(5):
            status = await reader.readline()
        return int(status.split()[1])
    finally:
        writer.transport.abort()

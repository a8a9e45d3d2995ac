"""A real HTTP server with a WebRTC door, on a free port of the loopback device."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

from interject.integrations.conversation.switchboard import Switchboard
from interject.integrations.web.app import make_app
from interject.integrations.web.origins import Origins
from interject.integrations.webrtc.door import WebRtcDoor
from tests.integrations.web.served import served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from fastapi import APIRouter

    from interject.integrations.conversation.call_follower import CallsFollower
    from interject.integrations.conversation.role import Role
    from interject.integrations.web.bearer import Bearer
    from interject.integrations.webrtc.settings import WebRtcSettings
    from interject.model_runtime.protocol import Runtime


class Site:
    def __init__(self, url: str, switchboard: Switchboard) -> None:
        self.url = url
        self.switchboard = switchboard


@contextlib.asynccontextmanager
async def site(
    role: Role,
    runtime: Runtime,
    *,
    bearer: Bearer | None = None,
    settings: WebRtcSettings | None = None,
    routers: Sequence[APIRouter] = (),
    most_calls: int | None = None,
    followers: Sequence[CallsFollower] = (),
    port: int = 0,
) -> AsyncIterator[Site]:
    switchboard = Switchboard(role, runtime, most_calls=most_calls, followers=followers)
    door = WebRtcDoor(switchboard, settings, bearer=bearer)
    listener = socket.create_server(("127.0.0.1", port))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    app = make_app([door], routers=routers, origins=Origins([url]))
    async with served(app, listener):
        yield Site(url, switchboard)

"""Platforms that dial in over web sockets as a door of `interject serve`."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Self

from fastapi import APIRouter

from interject.integrations.sockets.socket_calls import SocketCalls
from interject.integrations.sockets.socket_endpoint import SocketEndpoint
from interject.integrations.sockets.socket_metrics import SocketMetrics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.integrations.conversation.switchboard import Switchboard
    from interject.integrations.sockets.platform import SocketPlatform
    from interject.integrations.sockets.socket_call import SocketCall
    from interject.integrations.sockets.socket_events import SocketEvent


class SocketDoor:
    """A `Door`."""

    name = "sockets"

    def __init__(self, switchboard: Switchboard, platforms: Sequence[SocketPlatform]) -> None:
        self._platforms = tuple(platforms)
        metrics = SocketMetrics(switchboard.registry)
        self._calls = SocketCalls(switchboard, metrics)
        self._stack = AsyncExitStack()
        self.router = APIRouter()
        for platform in platforms:
            endpoint = SocketEndpoint(platform, self._calls, metrics)
            self.router.add_api_websocket_route(platform.path, endpoint.serve)
            self.router.include_router(platform.routes(_EventsOf(platform, self._calls)))

    @property
    def calls(self) -> tuple[SocketCall, ...]:
        """Those that have a socket, or wait for one."""
        return self._calls.all

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            for platform in self._platforms:
                await stack.enter_async_context(platform)
            await stack.enter_async_context(self._calls)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()


class _EventsOf:
    """The `CallEvents` of one platform."""

    def __init__(self, platform: SocketPlatform, calls: SocketCalls) -> None:
        self._platform = platform
        self._calls = calls

    def take(self, call_id: str, event: SocketEvent) -> bool:
        return self._calls.take(self._platform, call_id, event)

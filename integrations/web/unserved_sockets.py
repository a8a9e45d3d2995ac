"""A web socket at an address that has none is told so: without an answer it looks like a wrong
secret, or a firewall.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi import APIRouter
from fastapi.routing import iter_route_contexts
from starlette.responses import JSONResponse
from starlette.websockets import WebSocket

from interject.integrations.web.log_throttle import LogThrottle

if TYPE_CHECKING:
    from collections.abc import Sequence

logger = logging.getLogger(__name__)


def unserved_sockets(served: Sequence[APIRouter]) -> APIRouter:
    """To be included behind them. What was dialled is not logged: a secret may be part of it."""
    known = sorted(
        route.path or ""
        for router in served
        for route in iter_route_contexts(router.routes)
        if not route.methods
    )
    there = f"there are {', '.join(known)}" if known else "this server has none at all"
    throttle = LogThrottle()
    router = APIRouter()

    @router.websocket("/{path:path}")
    async def unserved(socket: WebSocket) -> None:
        if count := throttle.note():
            logger.warning(
                "A socket came to an address that is not served",
                extra={"reason": there, "count": count},
            )
        await socket.send_denial_response(
            JSONResponse(
                {"detail": f"no socket is served at this address; {there}"}, HTTPStatus.NOT_FOUND
            )
        )

    return router

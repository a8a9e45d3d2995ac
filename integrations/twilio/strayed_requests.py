"""Requests of Twilio that come to nothing, since a console or a proxy is set up wrongly."""

from __future__ import annotations

import logging
from collections import defaultdict
from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse
from twilio.request_validator import SIGNATURE_HEADER

from interject.integrations.twilio.twiml import MEDIA_PATH, WEBHOOK_PATHS
from interject.integrations.web.log_throttle import LogThrottle

if TYPE_CHECKING:
    from starlette.responses import Response

logger = logging.getLogger(__name__)

POST_WANTED = "this webhook is asked by POST: choose HTTP POST where its address was entered"
NO_SLASH = "there is no slash behind the address of a webhook"
SOCKET_WANTED = "this takes a web socket: have the proxy in front pass Upgrade and Connection on"


class StrayedRequests:
    """Each is refused as it would be anyway, but what is wrong is told: in the answer, which
    Twilio's debugger shows, and in the log.
    """

    def __init__(self) -> None:
        self._throttles: defaultdict[str, LogThrottle] = defaultdict(LogThrottle)

    def add_to(self, router: APIRouter) -> None:
        strays = APIRouter(include_in_schema=False)
        for path in WEBHOOK_PATHS:
            strays.add_api_route(path, self.read, methods=["GET"])
            strays.add_api_route(f"{path}/", self.misspelt, methods=["GET", "POST"])
        strays.add_api_route(MEDIA_PATH, self.not_upgraded, methods=["GET"])
        router.include_router(strays)

    async def read(self, request: Request) -> Response:
        headers = {"Allow": "POST"}
        return self._refusal(request, HTTPStatus.METHOD_NOT_ALLOWED, POST_WANTED, headers)

    async def misspelt(self, request: Request) -> Response:
        return self._refusal(request, HTTPStatus.NOT_FOUND, NO_SLASH)

    async def not_upgraded(self, request: Request) -> Response:
        headers = {"Upgrade": "websocket"}
        return self._refusal(request, HTTPStatus.UPGRADE_REQUIRED, SOCKET_WANTED, headers)

    def _refusal(
        self,
        request: Request,
        status: HTTPStatus,
        reason: str,
        headers: dict[str, str] | None = None,
    ) -> Response:
        """Strangers who look around are no concern of the log: they sign nothing."""
        if SIGNATURE_HEADER in request.headers and (count := self._throttles[reason].note()):
            logger.warning(
                "A request of Twilio came to nothing",
                extra={"address": request.url.path, "reason": reason, "count": count},
            )
        return JSONResponse({"detail": reason}, status, headers)

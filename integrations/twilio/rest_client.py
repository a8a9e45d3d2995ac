"""How requests to Twilio's REST API travel."""

from __future__ import annotations

import logging
from typing import Any

import httpx
from twilio.http import AsyncHttpClient
from twilio.http.response import Response

REQUEST_TIMEOUT_S = 10.0


class RestClient(AsyncHttpClient):  # type: ignore[misc]
    """For `twilio.rest.Client`. The package's own logs telephone numbers and waits for ever."""

    def __init__(self, timeout_s: float = REQUEST_TIMEOUT_S) -> None:
        super().__init__(logging.getLogger(__name__), True, timeout_s)
        self._http = httpx.AsyncClient(timeout=timeout_s)

    async def request(
        self,
        method: str,
        url: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        **_options: object,
    ) -> Response:
        """:raises httpx.HTTPError: when no answer came."""
        request: dict[str, Any] = {"params": params, "data": data, "headers": headers}
        answer = await self._http.request(method, url, auth=auth, **request)
        return Response(answer.status_code, answer.text, answer.headers)

    async def aclose(self) -> None:
        await self._http.aclose()

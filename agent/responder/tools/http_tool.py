"""Tools behind an address of HTTP."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httpx

from interject.agent.responder.failures import ResponderUnusable
from interject.agent.responder.plain_body import AS_IT_IS, PackedBody, body_pieces
from interject.agent.responder.tools.tool import Tool, ToolFailure, ToolResult
from interject.config.endpoint import KeyMissing, bearer, read_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from interject.config.responder import HttpTool

MOST_BYTES = 64_000
NO_PARAMETERS: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}


def http_tool(settings: HttpTool, environment: Mapping[str, str] | None = None) -> Tool:
    """:raises ResponderUnusable: when the variable for its key is not set."""
    try:
        key = read_key(settings.api_key_env, settings.url, environment)
    except KeyMissing as error:
        raise ResponderUnusable(f"the tool {settings.name!r}: {error}") from None
    return Tool(
        settings.name,
        settings.description,
        settings.parameters or NO_PARAMETERS,
        lambda arguments: _run(settings, {**AS_IT_IS, **bearer(key)}, arguments),
        timeout_s=settings.timeout_s,
        needs_operator=settings.needs_operator,
    )


async def _run(
    settings: HttpTool, headers: dict[str, str], arguments: dict[str, Any]
) -> ToolResult:
    """A redirect is not followed: it could lead the key elsewhere. A call is rare enough for a
    connection of its own.
    """
    given: dict[str, Any] = (
        {"json": arguments} if settings.method == "POST" else {"params": arguments}
    )
    verify = settings.url.startswith("https")
    async with httpx.AsyncClient(timeout=settings.timeout_s, verify=verify) as client:
        try:
            async with client.stream(
                settings.method, settings.url, headers=headers, **given
            ) as response:
                if response.status_code != HTTPStatus.OK:
                    raise ToolFailure(f"it answered {response.status_code}")
                return ToolResult(await _text(response))
        except httpx.HTTPError as error:
            raise ToolFailure(f"it cannot be reached ({type(error).__name__})") from None
        except PackedBody:
            raise ToolFailure("it sent something compressed") from None


async def _text(response: httpx.Response) -> str:
    body = bytearray()
    async for piece in body_pieces(response):
        body += piece
        if len(body) > MOST_BYTES:
            raise ToolFailure(f"it sent more than {MOST_BYTES} bytes")
    return body.decode(errors="replace")

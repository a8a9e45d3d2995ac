"""What cannot be done is told as JSON in one sentence, `{"detail": "..."}`. No traceback leaves."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse

from interject.config.problems import place_and_words

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)

UNKNOWN = "there is nothing at this address"
WRONG_METHOD = "this address does not take such a request"
NO_JSON = "the body is no JSON"
UNPARSED = "There was an error parsing the body"
"""FastAPI's own words, where it is nested too deeply."""
JSON_WANTED = "this takes JSON: send it with 'Content-Type: application/json'"
DEFECT = "this could not be done, and the fault is the server's; its log says more"


def tell_refusals(app: FastAPI) -> None:
    """Have every refusal of its routes look alike."""
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException), "it was registered for these"
    said = error.detail
    if said == HTTPStatus(error.status_code).phrase:
        said = {404: UNKNOWN, 405: WRONG_METHOD}.get(error.status_code, said)
    elif said == UNPARSED:
        said = NO_JSON
    return JSONResponse({"detail": said}, error.status_code, headers=error.headers)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    """Which field is wrong, and nothing of what was sent."""
    assert isinstance(error, RequestValidationError), "it was registered for these"
    problem = error.errors()[0]
    where, wrong = place_and_words(problem, skip=1)
    said = f"{where or 'the request'}: {wrong}"
    if problem["type"] == "json_invalid":
        said = NO_JSON
    elif problem["loc"][0] == "body" and "json" not in request.headers.get("content-type", ""):
        said = JSON_WANTED
    return JSONResponse({"detail": said}, HTTPStatus.UNPROCESSABLE_ENTITY)


class Contained:
    """A defect in one request is logged without what was said in it, and costs no other one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def note(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, note)
        except ClientDisconnect:
            return  # In the middle of his body.
        except Exception:
            logger.exception("A request failed")
            if scope["type"] == "http" and not started:
                answer = JSONResponse({"detail": DEFECT}, HTTPStatus.INTERNAL_SERVER_ERROR)
                await answer(scope, receive, send)
            elif scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1011})

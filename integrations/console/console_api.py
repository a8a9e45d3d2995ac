"""The console's HTTP addresses, and what describes them."""

from __future__ import annotations

from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Body, HTTPException, Path
from fastapi.openapi.utils import get_openapi
from starlette.requests import Request
from starlette.responses import Response

from interject import __version__
from interject.config.strict import StrictModel
from interject.integrations.console.access import ConsoleRole
from interject.integrations.console.moments import Moment
from interject.integrations.console.operator_commands import OperatorCommand
from interject.integrations.console.session_messages import MOST_ID_CHARS
from interject.integrations.console.session_source import CommandRefused, NoSuchSession
from interject.integrations.console.session_view import SessionView
from interject.integrations.conversation.control_messages import Status
from interject.integrations.web.guarded_route import guarded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from starlette.routing import BaseRoute

    from interject.integrations.console.access import ConsoleAccess
    from interject.integrations.console.shown_sessions import ShownSessions

PREFIX = "/api/console"
CommandBody = Annotated[OperatorCommand, Body()]
SessionPath = Annotated[str, Path(max_length=MOST_ID_CHARS)]


class SignedIn(StrictModel):
    """What a token is good for. `talk`: calls of browsers are taken, and it may make one."""

    role: ConsoleRole
    version: str
    talk: bool


class SessionReport(StrictModel):
    """A session, and the last minutes of it."""

    session: SessionView
    moments: tuple[Moment, ...]


class ConsoleRefusal(StrictModel):
    """Why something was not done, in one sentence."""

    detail: str


class ConsoleApi:
    """`router` holds all of it; other routes are `described` beside it. A program that wants more
    than a look uses the socket.
    """

    def __init__(
        self,
        sessions: ShownSessions,
        access: ConsoleAccess,
        *,
        talk: bool,
        described: Sequence[BaseRoute] = (),
    ) -> None:
        self._sessions = sessions
        self._access = access
        self._talk = talk
        looking = APIRouter(prefix=PREFIX, route_class=guarded(access.may_look))
        looking.add_api_route("/me", self.me, responses=told(401))
        looking.add_api_route("/sessions", self.listed, responses=told(401))
        looking.add_api_route(
            "/sessions/{session}",
            self.report,
            response_model=SessionReport,
            responses=told(401, 404),
        )
        operating = APIRouter(prefix=PREFIX, route_class=guarded(access.may_operate))
        operating.add_api_route(
            "/sessions/{session}/commands",
            self.operate,
            methods=["POST"],
            response_model=Status | None,
            responses=told(401, 403, 404, 409),
        )
        self._described = (*looking.routes, *operating.routes, *described)
        looking.add_api_route("/openapi.json", self.openapi, include_in_schema=False)
        self.router = APIRouter()
        self.router.include_router(looking)
        self.router.include_router(operating)

    async def me(self, request: Request) -> SignedIn:
        """Whether a token is known, and what it is good for."""
        role = self._access.role(request.headers.get("authorization", ""))
        assert role is not None, "the route was guarded"
        talk = self._talk and role is ConsoleRole.OPERATOR
        return SignedIn(role=role, version=__version__, talk=talk)

    async def listed(self) -> tuple[SessionView, ...]:
        """The sessions that there are, and those that have just ended."""
        return self._sessions.states

    async def report(self, session: SessionPath) -> Response:
        """The last minutes of a session."""
        with refusals():
            found = self._sessions.of(session)
            moments = await found.moments()
        text = f'{{"session":{found.state.model_dump_json()},"moments":{moments}}}'
        return Response(text, media_type="application/json")

    async def operate(self, session: SessionPath, command: CommandBody) -> Status | None:
        """Do something in a session, and say what holds then."""
        with refusals():
            return await self._sessions.of(session).operate(command, by="")

    async def openapi(self) -> dict[str, Any]:
        """This description."""
        found = get_openapi(
            title="Interject's console", version=__version__, routes=self._described
        )
        scheme = {"type": "http", "scheme": "bearer"}
        found["components"]["securitySchemes"] = {"token": scheme}
        return {**found, "security": [{"token": []}]}


@contextmanager
def refusals() -> Iterator[None]:
    try:
        yield
    except NoSuchSession as refused:
        raise HTTPException(HTTPStatus.NOT_FOUND, str(refused)) from None
    except CommandRefused as refused:
        raise HTTPException(HTTPStatus.CONFLICT, str(refused)) from None


def told(*codes: int) -> dict[int | str, dict[str, Any]]:
    """What a route may answer, but for what every route may."""
    return {code: {"model": ConsoleRefusal} for code in codes}

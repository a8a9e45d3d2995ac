"""Who may look at sessions, and who may change something in them."""

from __future__ import annotations

from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi import HTTPException

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

    from interject.integrations.web.bearer import Bearer

ONLY_LOOKS = "this token may look and not operate; an operator's may"


class ConsoleRole(StrEnum):
    """What a token is good for."""

    VIEWER = "viewer"
    OPERATOR = "operator"


class ConsoleAccess:
    """`lookers` permits whoever may look, operators too. Where no token is asked for, everybody is
    an operator: that is for loopback alone.
    """

    def __init__(self, operators: Bearer, lookers: Bearer) -> None:
        self._operators = operators
        self._lookers = lookers

    @property
    def is_open(self) -> bool:
        return self._operators.is_open

    def role(self, authorization: str) -> ConsoleRole | None:
        if self._operators.permits(authorization):
            return ConsoleRole.OPERATOR
        return ConsoleRole.VIEWER if self._lookers.permits(authorization) else None

    def may_look(self, connection: HTTPConnection) -> None:
        """:raises HTTPException: 401."""
        self._lookers(connection)

    def may_operate(self, connection: HTTPConnection) -> None:
        """:raises HTTPException: 401, or 403 for who may only look."""
        self._lookers(connection)
        if self.role(connection.headers.get("authorization", "")) is not ConsoleRole.OPERATOR:
            raise HTTPException(HTTPStatus.FORBIDDEN, ONLY_LOOKS)

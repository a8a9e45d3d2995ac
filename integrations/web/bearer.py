"""Who may call: whoever sends a token that the operator has given out."""

from __future__ import annotations

import hashlib
import hmac
from http import HTTPStatus

from fastapi import HTTPException
from starlette.requests import HTTPConnection

SCHEME = "bearer"
UNAUTHORIZED = "this needs the token of the operator: send 'Authorization: Bearer TOKEN'"


class Bearer:
    """A check: `APIRouter(route_class=guarded(bearer))`.

    Any of several tokens will do. Without one everybody may: that is for loopback alone.
    """

    def __init__(self, *tokens: str) -> None:
        self._digests = tuple(_digest(token) for token in tokens if token)

    @property
    def is_open(self) -> bool:
        return not self._digests

    def __call__(self, connection: HTTPConnection) -> None:
        """:raises HTTPException: 401, whatever is wrong."""
        if not self.permits(connection.headers.get("authorization", "")):
            raise HTTPException(
                HTTPStatus.UNAUTHORIZED, UNAUTHORIZED, headers={"WWW-Authenticate": "Bearer"}
            )

    def permits(self, authorization: str) -> bool:
        """In a time that says nothing of the tokens, nor of how long they are."""
        if self.is_open:
            return True
        scheme, _, token = authorization.partition(" ")
        given = _digest(token.strip())
        known = [hmac.compare_digest(given, digest) for digest in self._digests]
        return scheme.lower() == SCHEME and any(known)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()

"""The way around firewalls: where STUN and TURN servers are, and who may use them for how long."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING, Annotated, Self

from aiortc import RTCIceServer
from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from interject.config.strict import StrictModel

if TYPE_CHECKING:
    from collections.abc import Sequence

TurnUrl = Annotated[
    str, StringConstraints(pattern=r"^turns?:[^?:\s]+(:\d+)?(\?transport=(udp|tcp))?$")
]
NAME = "interject"


class TurnServer(StrictModel):
    """Either a `username` with its `credential`, or the `secret` that coturn knows as
    `static-auth-secret`: then each call gets a name and a password that are void after `ttl_s`.

    aiortc uses the first URL alone; a browser tries all.
    """

    urls: tuple[TurnUrl, ...] = Field(min_length=1, strict=False)
    username: str = ""
    credential: str = Field(default="", repr=False)
    secret: str = Field(default="", repr=False)
    ttl_s: int = Field(default=86_400, ge=60)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.secret) == bool(self.username and self.credential):
            raise PydanticCustomError(
                "account",
                "a TURN server needs a secret, or else a username and a credential, not both",
            )
        return self

    def account(self, *, now: float) -> tuple[str, str]:
        """Name and password; `now` is in seconds since 1970."""
        if not self.secret:
            return self.username, self.credential
        name = f"{int(now) + self.ttl_s}:{NAME}"
        digest = hmac.new(self.secret.encode(), name.encode(), hashlib.sha1).digest()
        return name, base64.b64encode(digest).decode()


class IceServerMessage(StrictModel):
    """As a browser's `RTCPeerConnection` takes it."""

    urls: tuple[str, ...]
    username: str | None = None
    credential: str | None = None


def ice_servers(
    stun: Sequence[str], turn: TurnServer | None, *, now: float
) -> tuple[IceServerMessage, ...]:
    servers = [IceServerMessage(urls=tuple(stun))] if stun else []
    if turn is not None:
        username, credential = turn.account(now=now)
        servers.append(IceServerMessage(urls=turn.urls, username=username, credential=credential))
    return tuple(servers)


def for_aiortc(servers: Sequence[IceServerMessage]) -> list[RTCIceServer]:
    """An empty list, and not None: for that aiortc would ask a server of Google's."""
    return [
        RTCIceServer(urls=list(server.urls), username=server.username, credential=server.credential)
        for server in servers
    ]

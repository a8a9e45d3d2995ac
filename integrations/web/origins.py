"""Which web pages may call from a browser. Programs name no origin, and are none of its concern."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.websockets import WebSocket

from interject.integrations.web.loopback import host_of, is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Receive, Scope, Send

FORBIDDEN = 403
STRANGE_PAGE = "web pages of this origin may not call here; the operator allows it with --origin"
STRANGE_HOST = "this is not the name of this server; the operator sets it with --public-url"
PROBES = ("/healthz", "/readyz")


class Origins:
    """`own` are those under which this server is reached, `allowed` other pages' that may call.

    An origin is `https://example.org`, without a path.
    """

    def __init__(self, own: Iterable[str], allowed: Iterable[str] = ()) -> None:
        self._own = frozenset(map(normal, own))
        self.allowed = frozenset(map(normal, allowed))
        self._hosts = frozenset(urlsplit(origin).netloc for origin in self._own)

    def permits(self, origin: str | None) -> bool:
        """None: whoever calls is no web page."""
        return origin is None or normal(origin) in self._own | self.allowed

    def has_host(self, host: str) -> bool:
        """Loopback's names on any port, too: no page of another one can be reached under them."""
        return host.lower() in self._hosts or is_loopback(host_of(host))

    def refusal(self, headers: Headers, *, check_host: bool) -> str | None:
        """Why whoever sent these headers may not come.

        `check_host`: where nobody is asked who he is, this stands against a page whose name is made
        to mean this machine, and so seems to be of its own origin.
        """
        if not self.permits(headers.get("origin")):
            return STRANGE_PAGE
        if check_host and not self.has_host(headers.get("host", "")):
            return STRANGE_HOST
        return None


def normal(origin: str) -> str:
    """As a browser writes it: in small letters, without the port that its scheme has anyway."""
    scheme, _, host = origin.lower().rstrip("/").partition("://")
    usual = {"http": ":80", "https": ":443"}.get(scheme, "")
    return f"{scheme}://{host.removesuffix(usual)}"


class OriginCheck:
    """Refuses requests of strange web pages, and where `check_host` says so of strange names.

    Sockets are checked there alone: a page cannot show a token to one, and programs that do name
    whatever origin they like.
    """

    def __init__(self, app: ASGIApp, origins: Origins, *, check_host: bool) -> None:
        self._app = app
        self._origins = origins
        self._check_host = check_host
        self._checked = ("http", "websocket") if check_host else ("http",)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reason = self._refusal(scope)
        if reason is None:
            await self._app(scope, receive, send)
            return
        answer = JSONResponse({"detail": reason}, FORBIDDEN)
        if scope["type"] == "websocket":
            await WebSocket(scope, receive, send).send_denial_response(answer)
        else:
            await answer(scope, receive, send)

    def _refusal(self, scope: Scope) -> str | None:
        if scope["type"] not in self._checked or scope["path"] in PROBES:
            return None
        return self._origins.refusal(Headers(scope=scope), check_host=self._check_host)

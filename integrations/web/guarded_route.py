"""Routes that ask who calls before they read what he sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from fastapi.routing import APIRoute

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from starlette.requests import HTTPConnection, Request
    from starlette.responses import Response

    Check = Callable[[HTTPConnection], None]


class GuardedRoute(APIRoute):
    """A check raises `HTTPException`. A dependency of FastAPI would come too late: a stranger's
    body would have been waited for, read and judged by then.
    """

    checks: ClassVar[tuple[Check, ...]] = ()

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def checked(request: Request) -> Response:
            for check in self.checks:
                check(request)
            return await handle(request)

        return checked


def guarded(*checks: Check) -> type[GuardedRoute]:
    """For `APIRouter(route_class=...)`."""
    return type("GuardedRoute", (GuardedRoute,), {"checks": checks})

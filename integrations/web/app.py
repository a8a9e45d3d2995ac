"""The one HTTP app of a process, for all its doors."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from interject.integrations.web.body_limit import MAX_BODY_BYTES, BodyLimit
from interject.integrations.web.home_page import home_router
from interject.integrations.web.origins import OriginCheck
from interject.integrations.web.refusals import Contained, tell_refusals
from interject.integrations.web.response_headers import ResponseHeaders
from interject.integrations.web.turnstile import Turnstile
from interject.integrations.web.unserved_sockets import unserved_sockets

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from fastapi import APIRouter

    from interject.integrations.web.door import Door
    from interject.integrations.web.origins import Origins

METHODS = ("GET", "POST", "PATCH", "DELETE")
HEADERS = ("Authorization", "Content-Type")


def make_app(
    doors: Sequence[Door],
    *,
    routers: Sequence[APIRouter] = (),
    origins: Origins,
    check_host: bool = False,
    most_body_bytes: int = MAX_BODY_BYTES,
) -> FastAPI:
    """It enters the doors when it starts and leaves them when it ends. There are no pages of its
    own about its API: FastAPI's load scripts from elsewhere. Nothing is redirected: it would go to
    whatever `Host` says.
    """

    @asynccontextmanager
    async def open_doors(_app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for door in doors:
                await stack.enter_async_context(door)
            yield

    app = FastAPI(
        title="Interject",
        lifespan=open_doors,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    served = [*(door.router for door in doors), *routers]
    for router in (*served, home_router(doors, routers), unserved_sockets(served)):
        app.include_router(router)
    tell_refusals(app)
    # What is added last is asked first.
    app.add_middleware(BodyLimit, most_bytes=most_body_bytes)
    if origins.allowed:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=sorted(origins.allowed),
            allow_methods=METHODS,
            allow_headers=HEADERS,
            allow_private_network=True,
            expose_headers=("Retry-After",),
        )
    app.add_middleware(OriginCheck, origins=origins, check_host=check_host)
    app.add_middleware(Contained)
    app.add_middleware(ResponseHeaders)
    app.add_middleware(Turnstile)
    return app

"""What a server says at `/` where none of its doors has a page there, and how all pages look."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi.routing import iter_route_contexts
from starlette.responses import HTMLResponse

from interject.integrations.web.guarded_route import GuardedRoute
from interject.integrations.web.page_files import page_router

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fastapi import APIRouter

    from interject.integrations.web.door import Door

PAGE = Path(__file__).parent / "page"
SHARED = {f"/page/{name}": name for name in ("style.css", "icon.svg", "token.js", "panels.js")}
LISTED = "<!-- addresses -->"


def home_router(doors: Sequence[Door], routers: Sequence[APIRouter]) -> APIRouter:
    """A door that comes before it may have a page of its own at `/`."""
    sections = [_section(door.name, [door.router]) for door in doors]
    sections.append(_section("for people and programs", routers))
    page = (PAGE / "home.html").read_text("utf-8").replace(LISTED, "".join(sections))
    router = page_router(PAGE, SHARED)

    @router.api_route("/", methods=["GET", "HEAD"])
    async def home() -> HTMLResponse:
        return HTMLResponse(page)

    return router


def _section(name: str, routers: Iterable[APIRouter]) -> str:
    rows = "".join(f"<li>{row}</li>" for router in routers for row in _addresses(router))
    return f'<section class="panel"><h2>{escape(name)}</h2><ul>{rows}</ul></section>'


def _addresses(router: APIRouter) -> Iterator[str]:
    """What can be looked at is linked. Files of a page are of no use by themselves, nor is what
    only says that it is asked wrongly.
    """
    for route in iter_route_contexts(router.routes):
        address = escape(route.path or "")
        methods = sorted(set(route.methods or ()) - {"HEAD"})
        of_use = getattr(route.original_route, "include_in_schema", True)
        if address.endswith((".js", ".css", ".svg")) or not of_use:
            continue
        if methods == ["GET"] and not isinstance(route.original_route, GuardedRoute):
            yield f'<a href="{address}">{address}</a>'
        else:
            yield f"<code>{' '.join([*(methods or ['socket']), address])}</code>"

"""The page's files. They may be read by everybody: what they ask for may not."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter

from interject.integrations.web.page_files import page_router

PAGE = Path(__file__).parent / "page"
SCRIPTS = sorted(path.name for path in PAGE.glob("*.js"))
FILES = {
    "/console": "console.html",
    "/console/console.css": "console.css",
    **{f"/console/{name}": name for name in SCRIPTS},
}


def console_page() -> APIRouter:
    return page_router(PAGE, FILES)

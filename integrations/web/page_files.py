"""A page's files, served as they are. They may be read by everybody: what they ask for may not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.responses import FileResponse

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path


def page_router(folder: Path, files: Mapping[str, str]) -> APIRouter:
    """`files` are names in the folder, by their addresses."""
    router = APIRouter()
    for address, name in files.items():
        router.add_api_route(address, _reader(folder / name), methods=["GET", "HEAD"])
    return router


def _reader(path: Path) -> Callable[[], Awaitable[FileResponse]]:
    async def read() -> FileResponse:
        return FileResponse(path)

    return read

"""A page's files, served as they are. They may be read by everybody: what they ask for may not."""

from __future__ import annotations

import mimetypes
from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path


def page_router(folder: Path, files: Mapping[str, str]) -> APIRouter:
    """`files` are names in the folder, by their addresses. They are read now: a file that is open
    for each reader would take as many descriptors again as there are connections.
    """
    router = APIRouter()
    for address, name in files.items():
        router.add_api_route(address, _reader(folder / name), methods=["GET", "HEAD"])
    return router


def _reader(path: Path) -> Callable[[], Awaitable[Response]]:
    content, media_type = path.read_bytes(), mimetypes.guess_type(path)[0]

    async def read() -> Response:
        return Response(content, media_type=media_type)

    return read

"""Finished sessions, as far as their profiles keep them, for people and programs."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, TypeVar

from fastapi import APIRouter, HTTPException, Path
from pydantic import TypeAdapter
from starlette.responses import FileResponse, Response

from interject.agent.records.export import as_json, as_webvtt
from interject.agent.records.record_folder import NoSuchRecord
from interject.agent.records.session_record import RecordHead, SessionRecord
from interject.integrations.console.shown_record import shown
from interject.integrations.conversation.masked_number import with_masked_numbers
from interject.integrations.web.guarded_route import guarded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path as FilePath

    from interject.agent.records.store import RecordStore
    from interject.integrations.console.access import ConsoleAccess

RecordId = Annotated[str, Path(max_length=64)]
EarNumber = Annotated[int, Path(ge=0, le=64)]
PREFIX = "/api/console/records"
NO_RECORD = "there is no such record: it was deleted, or has outlived its time"
NO_SOUND = "no sound is kept of this session"
_HEADS = TypeAdapter(list[RecordHead])
Found = TypeVar("Found")


class RecordsApi:
    """Without a store there are none. What is read from disk is read in another thread."""

    def __init__(self, store: RecordStore | None, access: ConsoleAccess) -> None:
        self._store = store
        self.router = APIRouter(prefix=PREFIX, route_class=guarded(access.may_look))
        for path, endpoint in (
            ("", self.listed),
            ("/{record}", self.whole),
            ("/{record}/text.vtt", self.captions),
            ("/{record}/sound/{number}", self.sound),
        ):
            self.router.add_api_route(path, endpoint, response_model=None)

    async def listed(self) -> Response:
        """Newest first."""
        heads = () if self._store is None else await asyncio.to_thread(self._store.list)
        listed = [replace(head, call=with_masked_numbers(head.call)) for head in heads]
        return Response(_HEADS.dump_json(listed), media_type="application/json")

    async def whole(self, record: RecordId) -> Response:
        """`begun`, and all `lines` in order, with people's numbers masked."""
        found = await self._read(record)
        text = await asyncio.to_thread(lambda: as_json(shown(found)))
        return Response(text, media_type="application/json")

    async def captions(self, record: RecordId) -> Response:
        """WebVTT: what was said as far as it was heard, posts and cards."""
        return Response(as_webvtt(await self._read(record)), media_type="text/vtt")

    async def sound(self, record: RecordId, number: EarNumber) -> FileResponse:
        """FLAC, of one ear."""
        files = await self._files(record)
        if number >= len(files):
            raise HTTPException(HTTPStatus.NOT_FOUND, NO_SOUND)
        return FileResponse(files[number], media_type="audio/flac")

    async def _read(self, record: str) -> SessionRecord:
        """:raises HTTPException: 404."""
        return await self._found(lambda store: store.read(record))

    async def _files(self, record: str) -> tuple[FilePath, ...]:
        """:raises HTTPException: 404."""
        return await self._found(lambda store: store.audio(record))

    async def _found(self, look: Callable[[RecordStore], Found]) -> Found:
        try:
            if self._store is not None:
                return await asyncio.to_thread(look, self._store)
        except (NoSuchRecord, OSError):
            pass  # It was deleted, perhaps just now.
        raise HTTPException(HTTPStatus.NOT_FOUND, NO_RECORD)

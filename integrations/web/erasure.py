"""Deleting a session: what is kept of it, and what this server still holds of it."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from fastapi import APIRouter, HTTPException

from interject.agent.records.record_folder import GOES_ON, NoSuchRecord, RecordGoesOn
from interject.agent.records.store import KnownSession
from interject.config.strict import StrictModel
from interject.integrations.web.guarded_route import guarded

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Container, Sequence

    from interject.agent.records.store import RecordStore
    from interject.integrations.web.bearer import Bearer

NOTHING = "nothing is kept of this session"
STAYS = "not all of it can be deleted; the disk of the records refuses it"


class Remembering(Protocol):
    """A place where what was said in calls stays for a while."""

    def forget(self, calls: Container[str]) -> int:
        """How many things of these calls there were, which are no more.

        :raises OSError: when a file of it cannot be written.
        """


class Erased(StrictModel):
    """`held` counts cards, events and letters beside the records."""

    records: int
    held: int


class SessionErasure:
    """`live` are the ids of the calls that are being served here; what another process still writes
    is not deleted either.
    """

    def __init__(
        self,
        bearer: Bearer,
        places: Sequence[Remembering],
        records: RecordStore | None,
        live: Callable[[], Collection[str]],
    ) -> None:
        self._places = tuple(places)
        self._records = records
        self._live = live
        self.router = APIRouter(route_class=guarded(bearer))
        self.router.delete("/api/records/{session}")(self.erase)

    async def erase(self, session: str) -> Erased:
        """By the record's id, or the call's own.

        :raises HTTPException: when it goes on, nothing is there, or something of it stays.
        """
        try:
            known = await asyncio.to_thread(self._known, session)
            if not known.names.isdisjoint(self._live()):
                raise HTTPException(HTTPStatus.CONFLICT, GOES_ON)
            held = sum(place.forget(known.names) for place in self._places)
            await asyncio.to_thread(self._delete, known.records)
        except RecordGoesOn:
            raise HTTPException(HTTPStatus.CONFLICT, GOES_ON) from None
        except OSError:
            raise HTTPException(HTTPStatus.INTERNAL_SERVER_ERROR, STAYS) from None
        if not known.records and not held:
            raise HTTPException(HTTPStatus.NOT_FOUND, NOTHING)
        return Erased(records=len(known.records), held=held)

    def _known(self, session: str) -> KnownSession:
        """:raises RecordGoesOn: when one of its records does."""
        if self._records is None:
            return KnownSession((), frozenset((session,)))
        return self._records.known(session)

    def _delete(self, found: Sequence[str]) -> None:
        for record_id in found:
            try:
                assert self._records is not None, "it found them"
                self._records.delete(record_id)
            except NoSuchRecord:
                continue

"""Tracks that are encrypted end to end are noise without the key; who speaks there is told."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Self

from livekit import rtc

from interject.integrations.livekit.room.posts import refuse

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

UNHEARD = (
    "Interject cannot hear you or read what you write: this is encrypted end to end, "
    "and it has no key."
)


def is_audible(room: rtc.Room, publication: rtc.TrackPublication) -> bool:
    """Whether its sound can be understood by who joined this room as he did."""
    plain = publication.encryption_type == rtc.EncryptionType.NONE
    return plain or room.e2ee_manager.enabled


class EncryptionNotice:
    """Used with `async with`: whoever publishes sound that cannot be understood is told so."""

    def __init__(self, room: rtc.Room, *, accepts: Callable[[rtc.RemoteParticipant], bool]) -> None:
        self._room = room
        self._accepts = accepts
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._room.on("track_published", self._on_published)
        for participant in self._room.remote_participants.values():
            for publication in participant.track_publications.values():
                self._on_published(publication, participant)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._room.off("track_published", self._on_published)
        await self._group.__aexit__(None, None, None)

    def _on_published(
        self, publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant
    ) -> None:
        audio = publication.kind == rtc.TrackKind.KIND_AUDIO
        if not audio or not self._accepts(participant) or is_audible(self._room, publication):
            return
        logger.warning(
            "A track is not heard: it is encrypted end to end",
            extra={"track": publication.sid, "lk.pii.participant_identity": participant.identity},
        )
        self._group.create_task(refuse(self._room, participant.identity, UNHEARD), name="unheard")

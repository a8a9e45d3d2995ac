"""Telling people that they are listened to, before it happens."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Self

from interject.integrations.livekit.room.posts import CHAT_TOPIC

if TYPE_CHECKING:
    from collections.abc import Callable

    from livekit import rtc

    from interject.config import RoomSettings

logger = logging.getLogger(__name__)

SEND_TIMEOUT_S = 5.0
ATTRIBUTES = {"interject.announcement": "true"}


class Announcement:
    """Written to everybody at first, then to each who comes later. Used with `async with`.

    A voice says it once, at the beginning; `speak` hands it the words.
    """

    def __init__(
        self,
        room: rtc.Room,
        settings: RoomSettings,
        *,
        accepts: Callable[[rtc.RemoteParticipant], bool],
    ) -> None:
        self._room = room
        self._text = settings.announcement
        self._written = settings.announce in ("text", "both")
        self.spoken = settings.announce in ("voice", "both")
        self._accepts = accepts
        self._told: set[str] = set()
        self._group = asyncio.TaskGroup()
        self._sending: set[asyncio.Task[None]] = set()

    @property
    def text(self) -> str:
        return self._text

    async def __aenter__(self) -> Self:
        """Return once those who are there have been written to."""
        await self._group.__aenter__()
        self._room.on("participant_connected", self._on_connected)
        present = [p for p in self._room.remote_participants.values() if self._accepts(p)]
        await self._send([participant.identity for participant in present])
        return self

    async def __aexit__(self, *_: object) -> None:
        self._room.off("participant_connected", self._on_connected)
        for task in self._sending:
            task.cancel()
        await self._group.__aexit__(None, None, None)

    def _on_connected(self, participant: rtc.RemoteParticipant) -> None:
        if self._accepts(participant) and participant.identity not in self._told:
            task = self._group.create_task(self._send([participant.identity]), name="announce")
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _send(self, identities: list[str]) -> None:
        """Who is told nothing because the room fails at that moment hears it in the attributes."""
        if not self._written or not identities:
            return
        self._told.update(identities)
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self._room.local_participant.send_text(
                    self._text,
                    topic=CHAT_TOPIC,
                    destination_identities=identities,
                    attributes=ATTRIBUTES,
                )
        except Exception as error:
            logger.warning(
                "The announcement could not be written", extra={"error_type": type(error).__name__}
            )

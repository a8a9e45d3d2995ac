"""The agent's own track, which a server takes out of the room with the right to publish."""

from __future__ import annotations

import asyncio
import logging
from typing import Self

from livekit import rtc

logger = logging.getLogger(__name__)

PUBLISH_TIMEOUT_S = 10.0


class VoiceTrack:
    """Used with `async with`: what was published once is published again when it may be.

    The SDK believes it to be published all the while, and nobody would hear the agent again.
    """

    def __init__(self, room: rtc.Room) -> None:
        self._room = room
        self._silenced = False
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._room.on("participant_permissions_changed", self._on_changed)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._room.off("participant_permissions_changed", self._on_changed)
        await self._group.__aexit__(None, None, None)

    def _on_changed(self, participant: rtc.Participant, _permissions: object) -> None:
        if participant.identity != self._room.local_participant.identity:
            return
        if not participant.permissions.can_publish:
            self._silenced = True
            logger.warning("The agent may publish nothing: nobody hears it")
        elif self._silenced:
            self._silenced = False
            self._group.create_task(self._republish(), name="republish")

    async def _republish(self) -> None:
        local = self._room.local_participant
        try:
            async with asyncio.timeout(PUBLISH_TIMEOUT_S):
                for publication in list(local.track_publications.values()):
                    track = publication.track
                    if track is None:
                        continue
                    options = rtc.TrackPublishOptions(source=publication.source)
                    await local.unpublish_track(publication.sid)
                    await local.publish_track(track, options)
            logger.info("The agent may publish again")
        except Exception as error:
            logger.warning(
                "The agent's track cannot be published again",
                extra={"error_type": type(error).__name__},
            )

"""Who comes into a room and leaves it, in the log and in metrics."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Self

from interject.integrations.livekit.room.people import people_only
from interject.integrations.livekit.room.room_metrics import METRICS

if TYPE_CHECKING:
    from livekit import rtc

logger = logging.getLogger(__name__)


class Attendance:
    """Used with `with`, for as long as the agent is in the room."""

    def __init__(self, room: rtc.Room) -> None:
        self._room = room

    def __enter__(self) -> Self:
        self._room.on("participant_connected", self._on_connected)
        self._room.on("participant_disconnected", self._on_disconnected)
        METRICS.rooms.inc()
        for participant in self._room.remote_participants.values():
            self._on_connected(participant)
        return self

    def __exit__(self, *_: object) -> None:
        self._room.off("participant_connected", self._on_connected)
        self._room.off("participant_disconnected", self._on_disconnected)
        METRICS.rooms.dec()
        logger.info("The agent leaves the room")

    def _on_connected(self, participant: rtc.RemoteParticipant) -> None:
        if people_only(participant):
            METRICS.arrivals.inc()
            logger.info(
                "Somebody is in the room",
                extra={"lk.pii.participant_identity": participant.identity},
            )

    def _on_disconnected(self, participant: rtc.RemoteParticipant) -> None:
        if people_only(participant):
            METRICS.departures.inc()
            logger.info(
                "Somebody has left the room",
                extra={"lk.pii.participant_identity": participant.identity},
            )

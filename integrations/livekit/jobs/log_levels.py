"""LiveKit's errors that are none."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from interject.integrations.livekit.room.people import people_only

if TYPE_CHECKING:
    from livekit import rtc

CHANNEL, CLOSED = "publisher data channel", "closed unexpectedly"


class EndOfRoom(logging.Filter):
    """For LiveKit's logger in a job's process.

    A server that ends an empty room closes its three data channels some milliseconds before it says
    so, and each is an error to LiveKit. Where nobody is left it is told as a notice; while somebody
    is there it stays an error.
    """

    def __init__(self, room: rtc.Room) -> None:
        super().__init__()
        self._room = room

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if CHANNEL in message and CLOSED in message and not self._somebody_is_there():
            record.levelno, record.levelname = logging.INFO, "INFO"
        return True

    def _somebody_is_there(self) -> bool:
        return any(people_only(one) for one in self._room.remote_participants.values())

"""What people on a call must be told: in writing where they can read, aloud where they cannot."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from interject.integrations.conversation.announcement import Notice

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from interject.config import RoomSettings

logger = logging.getLogger(__name__)


def spoken_settings(settings: RoomSettings) -> RoomSettings:
    """The same where nobody can read: with the words that are meant for the ear."""
    return settings.model_copy(
        update={
            "announce": "none" if settings.announce == "none" else "voice",
            "announcement": settings.spoken_announcement,
            "stop_notice": settings.spoken_stop_notice,
        }
    )


class SpokenNotices:
    """A `NoticeSender` that says them, but nothing of texts: none was written."""

    def __init__(self, say: Callable[[str], Awaitable[None]]) -> None:
        self._say = say

    async def send_notice(self, notice: Notice, text: str, identities: list[str]) -> None:
        if notice is not Notice.UNREAD:
            await self._say(text)


async def told(work: Coroutine[None, None, None]) -> None:
    """A line that is gone must not end the call's other work."""
    try:
        await work
    except Exception as error:
        logger.warning("Somebody could not be told", extra={"error_type": type(error).__name__})

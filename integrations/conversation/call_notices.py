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


class UnwrittenNotices:
    """What could not be written is said instead: nobody is heard without having been told, and who
    believes that nobody listens must not be wrong. Once each time that something else holds: who
    cannot be written to is not told aloud of everybody who comes.

    What fails before `begin` waits for it: there is no voice yet.
    """

    def __init__(self, settings: RoomSettings, say: Callable[[str], None]) -> None:
        self._words = {
            Notice.ANNOUNCEMENT: settings.spoken_announcement,
            Notice.STOPPED: settings.spoken_stop_notice,
        }
        self._say = say
        self._last: Notice | None = None
        self._begun = False

    def failed(self, notice: Notice) -> None:
        if notice not in self._words or notice is self._last:
            return
        self._last = notice
        if self._begun:
            self._say(self._words[notice])

    def begin(self, *, said: bool) -> None:
        """`said`: the announcement is said anyway."""
        self._begun = True
        if self._last is not None and not said:
            self._say(self._words[self._last])


async def told(work: Coroutine[None, None, None]) -> None:
    """A line that is gone must not end the call's other work."""
    try:
        await work
    except Exception as error:
        logger.warning("Somebody could not be told", extra={"error_type": type(error).__name__})

"""The room's chat: words to stop and go on, and everything else for the model."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Self

from livekit import rtc

from interject.integrations.livekit.phrases import same_phrase
from interject.integrations.livekit.room.posts import CHAT_TOPIC

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.config import RoomSettings
    from interject.integrations.livekit.room.consent import Consent

logger = logging.getLogger(__name__)

READ_TIMEOUT_S = 10.0
MAX_CHARS = 2_000
MAX_READING = 64


class Chat:
    """Used with `async with`. `on_text(identity, text)` gets what is no such word.

    Messages of participants that are not accepted (other agents) are not read.
    """

    def __init__(
        self,
        room: rtc.Room,
        settings: RoomSettings,
        consent: Consent,
        *,
        accepts: Callable[[rtc.RemoteParticipant], bool],
        on_text: Callable[[str, str], None],
    ) -> None:
        self._room = room
        self._settings = settings
        self._consent = consent
        self._accepts = accepts
        self._on_text = on_text
        self._reading: set[asyncio.Task[None]] = set()
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._room.register_text_stream_handler(CHAT_TOPIC, self._on_stream)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._room.unregister_text_stream_handler(CHAT_TOPIC)
        for task in self._reading:
            task.cancel()
        await self._group.__aexit__(None, None, None)

    def take(self, identity: str, text: str) -> None:
        """Act on one whole message."""
        if same_phrase(text, self._settings.stop_phrases):
            self._consent.stop(identity)
        elif same_phrase(text, self._settings.resume_phrases):
            try:
                self._consent.resume(identity)
            except PermissionError:
                logger.warning("A wish to resume listening was refused")
        elif self._consent.listening and identity not in self._consent.withdrawn:
            self._on_text(identity, text[:MAX_CHARS])

    def _on_stream(self, reader: rtc.TextStreamReader, identity: str) -> None:
        participant = self._room.remote_participants.get(identity)
        accepted = participant is not None and self._accepts(participant)
        if not accepted or len(self._reading) >= MAX_READING:
            reader.close()
            return
        task = self._group.create_task(self._read(reader, identity), name="chat")
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    async def _read(self, reader: rtc.TextStreamReader, identity: str) -> None:
        text = ""
        try:
            async with asyncio.timeout(READ_TIMEOUT_S):
                async for piece in reader:
                    text += piece
                    if len(text) > MAX_CHARS:
                        break
        except (rtc.StreamError, TimeoutError):
            logger.info("A chat message did not arrive whole")
            return
        finally:
            reader.close()
        if text.strip():
            self.take(identity, text)

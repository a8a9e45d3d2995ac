"""Replies for everybody's eyes, in the room's chat."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from interject.agent.outputs import Posted, Unvoiced
from interject.integrations.conversation.consent import EVERYBODY
from interject.integrations.livekit.room.people import present_people

if TYPE_CHECKING:
    from livekit import rtc

    from interject.agent.outputs import OutputEvent

logger = logging.getLogger(__name__)

SEND_TIMEOUT_S = 5.0
CHAT_TOPIC = "lk.chat"
TRANSCRIPTION_TOPIC = "lk.transcription"
EMOTION_ATTRIBUTE = "interject.emotion"
CHUNK_ATTRIBUTE = "interject.chunk"
ERROR_ATTRIBUTES = {"interject.error": "true"}
"""Of what is no reply, but says why there is none."""


async def refuse(room: rtc.Room, identity: str, reason: str) -> None:
    """Tell one person why what he says or writes gets no answer."""
    try:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await room.local_participant.send_text(
                reason,
                topic=CHAT_TOPIC,
                destination_identities=[identity],
                attributes=ERROR_ATTRIBUTES,
            )
    except Exception as error:
        logger.warning(
            "Who is not heard or read could not be told", extra={"error_type": type(error).__name__}
        )


class Posts:
    """An `Output` for posted replies, which every LiveKit client shows as chat messages."""

    def __init__(self, room: rtc.Room) -> None:
        self._room = room
        self._told = False
        self.sent = 0

    async def emit(self, event: OutputEvent) -> None:
        if not isinstance(event, Posted):
            return
        if not self._told and not present_people(self._room, (EVERYBODY,)):
            self._told = True
            logger.warning("A reply is posted where nobody is known to be in the room")
        attributes = {EMOTION_ATTRIBUTE: event.emotion.value, CHUNK_ATTRIBUTE: str(event.seq)}
        await self._room.local_participant.send_text(
            event.written, topic=CHAT_TOPIC, attributes=attributes
        )
        self.sent += 1
        if isinstance(event, Unvoiced) and not event.captioned:
            await self._caption(event)

    async def _caption(self, event: Unvoiced) -> None:
        await self._room.local_participant.send_text(
            event.text,
            topic=TRANSCRIPTION_TOPIC,
            attributes={
                "lk.segment_id": f"{event.session_id}-{event.reply_id}",
                "lk.transcription_final": "true",
            },
        )

"""The room's chat as it arrives: whole messages, in order, of people whom the room knows."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Self

from livekit import rtc

from interject.integrations.conversation.chat_rules import MAX_CHARS, NOT_READ, ChatRules
from interject.integrations.livekit.room.posts import CHAT_TOPIC, refuse

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.config import RoomSettings
    from interject.integrations.conversation.consent import Consent

logger = logging.getLogger(__name__)

READ_TIMEOUT_S = 10.0
MAX_READING = 64
MAX_HELD = 32
HOLD_S = 15.0
"""LiveKit tells of somebody who comes without a microphone up to 3 s late."""


class Chat:
    """Used with `async with`. `on_text(identity, text)` gets what is no such word.

    Messages of participants that are not accepted (other agents) are not read. Whoever writes a
    longer one than `MAX_CHARS` is told that it is not read, rather than half of it; so is he whose
    message the model refuses. What somebody
    writes before the room has told of him waits until it does; his messages keep their order.
    """

    def __init__(
        self,
        room: rtc.Room,
        settings: RoomSettings,
        consent: Consent,
        *,
        accepts: Callable[[rtc.RemoteParticipant], bool],
        on_text: Callable[[str, str], None],
        hold_s: float = HOLD_S,
    ) -> None:
        self._room = room
        self._rules = ChatRules(settings, consent, on_text)
        self._accepts = accepts
        self._hold_s = hold_s
        self._reading: set[asyncio.Task[None]] = set()
        self._newest: dict[str, asyncio.Task[None]] = {}
        self._held = 0
        self._came = asyncio.Event()
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._room.on("participant_connected", self._on_connected)
        self._room.register_text_stream_handler(CHAT_TOPIC, self._on_stream)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._room.unregister_text_stream_handler(CHAT_TOPIC)
        self._room.off("participant_connected", self._on_connected)
        for task in self._reading:
            task.cancel()
        await self._group.__aexit__(None, None, None)

    def unread(self, identity: str) -> None:
        """The model did not take what he wrote: he must not wait for an answer."""
        if len(self._reading) < MAX_READING and identity in self._room.remote_participants:
            task = self._group.create_task(
                refuse(self._room, identity, NOT_READ), name="chat-unread"
            )
            self._reading.add(task)
            task.add_done_callback(self._reading.discard)

    def _on_connected(self, _participant: rtc.RemoteParticipant) -> None:
        self._came.set()

    def _on_stream(self, reader: rtc.TextStreamReader, identity: str) -> None:
        participant = self._room.remote_participants.get(identity)
        if participant is not None and not self._accepts(participant):
            reader.close()
            logger.debug("A chat message is not read: it is no person's")
            return
        if len(self._reading) >= MAX_READING or (participant is None and self._held >= MAX_HELD):
            reader.close()
            logger.warning("A chat message was dropped; too many wait")
            return
        before = self._newest.get(identity)
        task = self._group.create_task(self._receive(reader, identity, before), name="chat")
        self._newest[identity] = task
        self._reading.add(task)
        task.add_done_callback(lambda done: self._forget(identity, done))

    def _forget(self, identity: str, task: asyncio.Task[None]) -> None:
        self._reading.discard(task)
        if self._newest.get(identity) is task:
            del self._newest[identity]

    async def _receive(
        self, reader: rtc.TextStreamReader, identity: str, before: asyncio.Task[None] | None
    ) -> None:
        text = await self._read(reader)
        participant = await self._known(identity)
        if before is not None:
            await asyncio.wait({before})
        if participant is None:
            logger.warning("A chat message was dropped; the room does not know its sender")
        elif not self._accepts(participant):
            logger.debug("A chat message is not read: it is no person's")
        elif (refused := self._rules.take(identity, text)) is not None:
            await refuse(self._room, identity, refused)

    async def _known(self, identity: str) -> rtc.RemoteParticipant | None:
        self._held += 1
        try:
            async with asyncio.timeout(self._hold_s):
                while (participant := self._room.remote_participants.get(identity)) is None:
                    self._came.clear()
                    await self._came.wait()
                return participant
        except TimeoutError:
            return None
        finally:
            self._held -= 1

    async def _read(self, reader: rtc.TextStreamReader) -> str:
        """Nothing where it did not arrive whole."""
        text = ""
        try:
            async with asyncio.timeout(READ_TIMEOUT_S):
                async for piece in reader:
                    text += piece
                    if len(text) > MAX_CHARS:
                        break
        except (rtc.StreamError, TimeoutError):
            logger.info("A chat message did not arrive whole")
            return ""
        finally:
            reader.close()
        return text

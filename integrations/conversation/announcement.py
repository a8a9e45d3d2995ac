"""Telling people whether they are listened to: before it begins, and whenever that changes."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Self

from interject.integrations.conversation.floor_control import LISTENING_ATTRIBUTE
from interject.integrations.livekit.room.posts import CHAT_TOPIC

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from livekit import rtc

    from interject.config import RoomSettings

logger = logging.getLogger(__name__)

SEND_TIMEOUT_S = 5.0
ATTRIBUTES = {"interject.announcement": "true"}
STOPPED_ATTRIBUTES = {LISTENING_ATTRIBUTE: "false"}
WITHDRAWN_ATTRIBUTES = {"interject.withdrawn": "true"}


class Announcement:
    """Written to everybody at first, then to each who comes later. Used with `async with`.

    Who leaves and returns, or joins again under the same identity, has come anew: a participant is
    told by his `sid`. What he is told is what holds for him at the moment when it is sent.

    A voice says it once, at the beginning; `text` are its words. As a `Listener` of consent it also
    learns when the room's listening stops and goes on, and tells everybody, whatever the profile
    says of announcements: who believes that nobody listens must not be wrong. It may be attached
    before it is entered.
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
        self._stop_notice = settings.stop_notice
        self._withdrawn_notice = settings.withdrawn_notice
        self._written = settings.announce in ("text", "both")
        self.spoken = settings.announce in ("voice", "both")
        self._accepts = accepts
        self._told: dict[str, str] = {}
        self._listening = True
        self._withdrawn: set[str] = set()
        self._entered = False
        self._in_order = asyncio.Lock()
        self._group = asyncio.TaskGroup()
        self._sending: set[asyncio.Task[None]] = set()

    @property
    def text(self) -> str:
        return self._text

    async def __aenter__(self) -> Self:
        """Return once those who are there have been written to."""
        await self._group.__aenter__()
        self._entered = True
        self._room.on("participant_connected", self._on_connected)
        self._room.on("participant_disconnected", self._on_disconnected)
        if self._written or not self._listening:
            await self._tell(self._present())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._room.off("participant_connected", self._on_connected)
        self._room.off("participant_disconnected", self._on_disconnected)
        self._entered = False
        for task in self._sending:
            task.cancel()
        await self._group.__aexit__(None, None, None)

    def exclude(self, identity: str) -> None:
        """Only he is not heard, and he knows, until he is told something again."""
        self._withdrawn.add(identity)

    def include(self, identity: str) -> None:
        self._withdrawn.discard(identity)

    def stop_listening(self) -> None:
        self._listening = False
        self._tell_all()

    def resume_listening(self) -> None:
        self._listening = True
        self._tell_all()

    def _present(self) -> list[rtc.RemoteParticipant]:
        return list(filter(self._accepts, self._room.remote_participants.values()))

    def _on_connected(self, participant: rtc.RemoteParticipant) -> None:
        if not self._written or not self._accepts(participant):
            return
        if not self._listening or self._told.get(participant.identity) != participant.sid:
            self._start(self._tell([participant]))

    def _on_disconnected(self, participant: rtc.RemoteParticipant) -> None:
        """Of two who had one identity, the later may be here already."""
        if self._told.get(participant.identity) == participant.sid:
            del self._told[participant.identity]

    def _tell_all(self) -> None:
        """Before it is entered, entering it does."""
        if self._entered:
            self._start(self._tell(self._present()))

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = self._group.create_task(work, name="announce")
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    def _tell(self, people: list[rtc.RemoteParticipant]) -> Coroutine[None, None, None]:
        self._told.update((person.identity, person.sid) for person in people)
        return self._tell_truth(people)

    async def _tell_truth(self, people: list[rtc.RemoteParticipant]) -> None:
        async with self._in_order:
            if not self._listening:
                await self._send(self._stop_notice, people, STOPPED_ATTRIBUTES)
                return
            withdrawn = [person for person in people if person.identity in self._withdrawn]
            heard = [person for person in people if person.identity not in self._withdrawn]
            await self._send(self._text, heard, ATTRIBUTES)
            await self._send(self._withdrawn_notice, withdrawn, WITHDRAWN_ATTRIBUTES)

    async def _send(
        self, text: str, people: list[rtc.RemoteParticipant], attributes: dict[str, str]
    ) -> None:
        """Who is told nothing because the room fails at that moment hears it in the attributes."""
        if not people:
            return
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self._room.local_participant.send_text(
                    text,
                    topic=CHAT_TOPIC,
                    destination_identities=[person.identity for person in people],
                    attributes=attributes,
                )
        except Exception as error:
            logger.warning(
                "The announcement could not be written", extra={"error_type": type(error).__name__}
            )

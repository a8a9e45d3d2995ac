"""The sessions of a room: one for everybody, or one for each who speaks."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Self

from interject.integrations.livekit.room.people import people_only
from interject.model_runtime.protocol import RuntimeFailure

if TYPE_CHECKING:
    from collections.abc import Callable

    from livekit import rtc

    from interject.integrations.conversation.consent import Consent
    from interject.integrations.livekit.room.room_session import RoomSession

logger = logging.getLogger(__name__)


class RoomSessions:
    """Used with `async with`. `make` builds a session for an identity, or for everybody (None).

    `ended` is set when nothing is heard any more: the one session has closed, and `failure` says
    why if it was no good reason. With one for each speaker only the room's end ends it.
    """

    def __init__(
        self,
        room: rtc.Room,
        consent: Consent,
        make: Callable[[str | None], RoomSession],
        *,
        each: bool,
    ) -> None:
        self.ended = asyncio.Event()
        self.failure: Exception | None = None
        self._room = room
        self._consent = consent
        self._make = make
        self._each = each
        self._open: dict[str | None, RoomSession] = {}
        self._serving: dict[str | None, asyncio.Task[None]] = {}
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        """Return once everybody is heard who is there.

        :raises RuntimeFailure, VoiceFailure: when the one session cannot be opened.
        """
        await self._group.__aenter__()
        self._room.on("participant_connected", self._on_connected)
        self._room.on("participant_disconnected", self._on_disconnected)
        self._room.on("disconnected", self._on_room_gone)
        if not self._each:
            await self._serve(None).wait()
            if self.failure is not None and self.ended.is_set():
                await self.__aexit__()
                raise self.failure
        for participant in self._room.remote_participants.values():
            self._on_connected(participant)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._room.off("participant_connected", self._on_connected)
        self._room.off("participant_disconnected", self._on_disconnected)
        self._room.off("disconnected", self._on_room_gone)
        for task in self._serving.values():
            task.cancel()
        await self._group.__aexit__(None, None, None)

    @property
    def open(self) -> tuple[RoomSession, ...]:
        return tuple(self._open.values())

    def of(self, identity: str) -> RoomSession | None:
        """The session that hears a participant."""
        return self._open.get(identity if self._each else None)

    def _serve(self, identity: str | None) -> asyncio.Event:
        opened = asyncio.Event()
        task = self._group.create_task(self._run(identity, opened), name="room-session")
        self._serving[identity] = task
        return opened

    async def _run(self, identity: str | None, opened: asyncio.Event) -> None:
        """One session from its beginning to its end; its failure is not the others'."""
        session = self._make(identity)
        self._consent.attach(session)
        failure: Exception | None = None
        try:
            async with session:
                self._open[identity] = session
                opened.set()
                await session.ended.wait()
            failure = session.failure
        except Exception as error:
            failure = error
        finally:
            self._consent.detach(session)
            self._open.pop(identity, None)
            if not self._each:
                self.failure = failure
                self.ended.set()
            opened.set()
        if self._each and failure is not None:
            reason = str(failure) if isinstance(failure, RuntimeFailure) else ""
            logger.error(
                "A speaker's session failed; this speaker is not heard",
                extra={"error_type": type(failure).__name__, "reason": reason},
            )

    def _on_connected(self, participant: rtc.RemoteParticipant) -> None:
        task = self._serving.get(participant.identity)
        if self._each and people_only(participant) and (task is None or task.done()):
            self._serve(participant.identity)

    def _on_disconnected(self, participant: rtc.RemoteParticipant) -> None:
        if self._each and (task := self._serving.pop(participant.identity, None)) is not None:
            task.cancel()

    def _on_room_gone(self, _reason: rtc.DisconnectReason.ValueType) -> None:
        self.ended.set()

"""The sessions of a room: LiveKit says who comes and goes, and when the room ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from interject.integrations.conversation.consent import EVERYBODY
from interject.integrations.conversation.speaker_sessions import SpeakerSessions
from interject.integrations.livekit.room.people import people_only, present_people
from interject.integrations.livekit.room.room_session import RoomSession

if TYPE_CHECKING:
    from collections.abc import Callable

    from livekit import rtc

    from interject.integrations.conversation.consent import Consent


class RoomSessions(SpeakerSessions[RoomSession]):
    """The room's end ends them as well."""

    def __init__(
        self,
        room: rtc.Room,
        consent: Consent,
        make: Callable[[str | None], RoomSession],
        *,
        each: bool,
    ) -> None:
        super().__init__(
            consent, make, each=each, present=lambda: present_people(room, (EVERYBODY,))
        )
        self._room = room

    async def __aenter__(self) -> Self:
        self._room.on("participant_connected", self._on_connected)
        self._room.on("participant_disconnected", self._on_disconnected)
        self._room.on("disconnected", self._on_room_gone)
        return await super().__aenter__()

    async def __aexit__(self, *_: object) -> None:
        self._room.off("participant_connected", self._on_connected)
        self._room.off("participant_disconnected", self._on_disconnected)
        self._room.off("disconnected", self._on_room_gone)
        await super().__aexit__()

    def _on_connected(self, participant: rtc.RemoteParticipant) -> None:
        if people_only(participant):
            self.came(participant.identity)

    def _on_disconnected(self, participant: rtc.RemoteParticipant) -> None:
        self.left(participant.identity)

    def _on_room_gone(self, _reason: rtc.DisconnectReason.ValueType) -> None:
        self.ended.set()

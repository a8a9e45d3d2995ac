"""The announcement in a room's chat: LiveKit says who comes and goes, and carries what is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from interject.integrations.conversation.announcement import Announcement, Notice, Participant
from interject.integrations.conversation.floor_control import LISTENING_ATTRIBUTE
from interject.integrations.livekit.room.posts import CHAT_TOPIC

if TYPE_CHECKING:
    from collections.abc import Callable

    from livekit import rtc

    from interject.config import RoomSettings

ATTRIBUTES = {
    Notice.ANNOUNCEMENT: {"interject.announcement": "true"},
    Notice.STOPPED: {LISTENING_ATTRIBUTE: "false"},
    Notice.WITHDRAWN: {"interject.withdrawn": "true"},
}


class RoomAnnouncement:
    """Used with `async with`; `announcement` may be attached to consent before that."""

    def __init__(
        self,
        room: rtc.Room,
        settings: RoomSettings,
        *,
        accepts: Callable[[rtc.RemoteParticipant], bool],
    ) -> None:
        self._room = room
        self._accepts = accepts
        self.announcement = Announcement(settings, self, present=self._present)

    async def __aenter__(self) -> Self:
        """Return once those who are there have been written to."""
        self._room.on("participant_connected", self._on_connected)
        self._room.on("participant_disconnected", self._on_disconnected)
        await self.announcement.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._room.off("participant_connected", self._on_connected)
        self._room.off("participant_disconnected", self._on_disconnected)
        await self.announcement.__aexit__()

    async def send_notice(self, notice: Notice, text: str, identities: list[str]) -> None:
        await self._room.local_participant.send_text(
            text,
            topic=CHAT_TOPIC,
            destination_identities=identities,
            attributes=ATTRIBUTES[notice],
        )

    def _present(self) -> list[Participant]:
        here = self._room.remote_participants.values()
        return [_participant(one) for one in here if self._accepts(one)]

    def _on_connected(self, participant: rtc.RemoteParticipant) -> None:
        if self._accepts(participant):
            self.announcement.came(_participant(participant))

    def _on_disconnected(self, participant: rtc.RemoteParticipant) -> None:
        self.announcement.left(_participant(participant))


def _participant(participant: rtc.RemoteParticipant) -> Participant:
    return Participant(participant.identity, participant.sid)

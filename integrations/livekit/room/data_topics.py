"""What a room gets as data packets: cue cards to some, decisions to whoever watches."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from livekit import rtc

    from interject.integrations.conversation.cues import CueMessage
    from interject.integrations.conversation.decision_message import DecisionMessage

CUE_TOPIC = "interject.cue"
DECISION_TOPIC = "interject.decision"


class DataTopics:
    """A `CueSender` and a `DecisionSender`. Decisions are lossy."""

    def __init__(self, room: rtc.Room) -> None:
        self._room = room

    async def send_cue(self, cue: CueMessage, identities: list[str]) -> None:
        await self._room.local_participant.publish_data(
            cue.model_dump_json(),
            reliable=True,
            destination_identities=identities,
            topic=CUE_TOPIC,
        )

    async def send_decision(self, decision: DecisionMessage) -> None:
        await self._room.local_participant.publish_data(
            decision.model_dump_json(), reliable=False, topic=DECISION_TOPIC
        )

"""What grows too long for a data packet, to those who are shown cues."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from interject.agent.cues.checklist import ChecklistUpdate
from interject.agent.cues.summary import CallSummary

if TYPE_CHECKING:
    from livekit import rtc

    from interject.agent.outputs import OutputEvent

CHECKLIST_TOPIC = "interject.checklist"
SUMMARY_TOPIC = "interject.summary"


class Reports:
    """An `Output`: JSON as text streams. Without an addressee LiveKit would send to everybody."""

    def __init__(self, room: rtc.Room) -> None:
        self._room = room

    async def emit(self, event: OutputEvent) -> None:
        if isinstance(event, ChecklistUpdate | CallSummary) and event.identities:
            is_summary = isinstance(event, CallSummary)
            await self._room.local_participant.send_text(
                json.dumps(asdict(event), ensure_ascii=False),
                topic=SUMMARY_TOPIC if is_summary else CHECKLIST_TOPIC,
                destination_identities=list(event.identities),
            )

"""What a bot of Attendee's says on its socket, and what its server posts."""

from __future__ import annotations

import base64
import json
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from interject.integrations.sockets.message_fault import BOT_ID
from interject.integrations.sockets.platform_message import PlatformMessage
from interject.integrations.web.base64_bytes import Base64Bytes

MIXED, SEPARATE = "realtime_audio.mixed", "realtime_audio.per_participant"
OUTPUT = "realtime_audio.bot_output"
CHAT, COMING, STATE = "chat_messages.update", "participant_events.join_leave", "bot.state_change"
OVER = ("post_processing", "ended", "fatal_error", "data_deleted")
"""States of a bot that is in no meeting any more."""
LONGEST_NAME = 64
LONGEST_TEXT = 10_000

BotId = Annotated[str, BOT_ID]
Uuid = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class SoundChunk(PlatformMessage):
    """16-bit samples, one channel. Some versions number them, each participant's from 1, and name
    who speaks. Their time stamps are those of packing, so arrival says the same.
    """

    chunk: Base64Bytes = Field(repr=False)
    sample_rate: int = Field(ge=8_000, le=48_000)
    participant_uuid: Uuid | None = None
    participant_name: str | None = Field(default=None, repr=False)
    sequence: int | None = Field(default=None, ge=0, le=2**53)


class SoundMessage(PlatformMessage):
    trigger: str
    bot_id: BotId
    data: SoundChunk


class AnyMessage(PlatformMessage):
    """Of whatever kind: new ones may come at any time."""

    trigger: str


class AttendeeEvent(PlatformMessage):
    """`data` is another one for each trigger."""

    idempotency_key: str = Field(min_length=1, max_length=128)
    bot_id: BotId
    trigger: str
    data: dict[str, Any] = Field(repr=False)


class ChatData(PlatformMessage):
    text: str = Field(min_length=1, max_length=LONGEST_TEXT, repr=False)
    sender_uuid: Uuid
    sender_name: str | None = Field(default=None, repr=False)


class ComingData(PlatformMessage):
    """Who came or left. Other events of participants are of no use here."""

    participant_uuid: Uuid
    participant_name: str | None = Field(default=None, repr=False)
    event_type: str


class StateData(PlatformMessage):
    new_state: str


def speech(samples: bytes, rate_hz: int) -> str:
    chunk = base64.b64encode(samples).decode()
    return json.dumps({"trigger": OUTPUT, "data": {"chunk": chunk, "sample_rate": rate_hz}})

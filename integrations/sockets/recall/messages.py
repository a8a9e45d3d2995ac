"""What Recall.ai says of a meeting over its real-time web socket."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from interject.integrations.sockets.message_fault import BOT_ID
from interject.integrations.sockets.platform_message import PlatformMessage
from interject.integrations.web.base64_bytes import Base64Bytes

LONGEST_NAME = 200


class RecallEvent(StrEnum):
    """The events that are read; of others there are more, and they are passed over."""

    MIXED = "audio_mixed_raw.data"
    SEPARATE = "audio_separate_raw.data"
    JOIN = "participant_events.join"
    UPDATE = "participant_events.update"
    LEAVE = "participant_events.leave"
    CHAT = "participant_events.chat_message"


def _shortened(name: object) -> object:
    return name.strip()[:LONGEST_NAME] if isinstance(name, str) else name


class RecallBot(PlatformMessage):
    id: Annotated[str, BOT_ID]


class RecallBody(PlatformMessage):
    """`data` is read by the event's name."""

    data: dict[str, Any] = Field(repr=False)
    bot: RecallBot


class RecallMessage(PlatformMessage):
    event: Annotated[str, Field(strict=True, max_length=64)]
    body: RecallBody = Field(alias="data")


class Attendant(PlatformMessage):
    """A participant; his name may not be known."""

    id: Annotated[int, Field(strict=True)]
    name: Annotated[str | None, BeforeValidator(_shortened)] = Field(default=None, repr=False)


class MixedSound(PlatformMessage):
    """Signed 16-bit mono at 16 kHz, little-endian."""

    buffer: Base64Bytes = Field(repr=False)


class AttendantSound(MixedSound):
    participant: Attendant


class AttendantEvent(PlatformMessage):
    participant: Attendant


class WrittenText(PlatformMessage):
    text: str = Field(repr=False)


class ChatEvent(AttendantEvent):
    written: WrittenText = Field(alias="data")

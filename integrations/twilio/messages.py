"""What Twilio's media socket says and is told. Numbers in it are strings, sometimes."""

from __future__ import annotations

import base64
import json
import re
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
)

from interject.integrations.web.base64_bytes import Base64Bytes

MAX_MESSAGE_CHARS = 65_536
MAX_NUMBER = 2**53
SID = r"^[A-Za-z0-9]{1,64}$"
UNKNOWN_EVENT = "union_tag_invalid"


class MalformedMessage(Exception):
    """Its text says what is wrong, and holds nothing of the message."""


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


Sid = Annotated[str, Field(pattern=SID)]
Number = Annotated[int, Field(ge=0, le=MAX_NUMBER)]
Parameter = Annotated[str, BeforeValidator(_as_text)]


class _FromTwilio(BaseModel):
    """Twilio may add fields at any time."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class _Named(_FromTwilio):
    event: Annotated[str, Field(strict=True)]


class MediaFormat(_FromTwilio):
    encoding: str
    sample_rate: Number = Field(alias="sampleRate")
    channels: Number = 1


class StreamDetails(_FromTwilio):
    account_sid: Sid = Field(alias="accountSid")
    call_sid: Sid = Field(alias="callSid")
    tracks: tuple[str, ...] = ()
    media_format: MediaFormat = Field(alias="mediaFormat")
    parameters: dict[str, Parameter] = Field(default_factory=dict, alias="customParameters")


class MediaChunk(_FromTwilio):
    """`timestamp_ms` counts from the start of the stream, `number` from 1 in each track."""

    track: str
    number: Number = Field(alias="chunk")
    timestamp_ms: Number = Field(alias="timestamp")
    payload: Base64Bytes = Field(repr=False)


class MarkName(_FromTwilio):
    name: str = Field(max_length=64)


class PressedKey(_FromTwilio):
    digit: str = Field(pattern=r"^[0-9A-D*#]$", repr=False)


class ConnectedMessage(_FromTwilio):
    event: Literal["connected"]


class StartMessage(_FromTwilio):
    event: Literal["start"]
    stream_sid: Sid = Field(alias="streamSid")
    start: StreamDetails


class MediaMessage(_FromTwilio):
    event: Literal["media"]
    stream_sid: Sid = Field(alias="streamSid")
    media: MediaChunk


class DtmfMessage(_FromTwilio):
    event: Literal["dtmf"]
    stream_sid: Sid = Field(alias="streamSid")
    dtmf: PressedKey


class MarkMessage(_FromTwilio):
    """Everything that was sent before the mark was played, or thrown away by a `clear`."""

    event: Literal["mark"]
    stream_sid: Sid = Field(alias="streamSid")
    mark: MarkName


class StopMessage(_FromTwilio):
    event: Literal["stop"]
    stream_sid: Sid = Field(alias="streamSid")


Message = ConnectedMessage | StartMessage | MediaMessage | DtmfMessage | MarkMessage | StopMessage
_MESSAGE: TypeAdapter[Message] = TypeAdapter(Annotated[Message, Field(discriminator="event")])


def is_sid(text: str) -> bool:
    return re.fullmatch(SID, text) is not None


def read_message(text: str) -> Message | None:
    """None for an event of a kind that is not known here.

    :raises MalformedMessage: when it is no message of Twilio's.
    """
    if len(text) > MAX_MESSAGE_CHARS:
        raise MalformedMessage("the message is too long")
    try:
        return _MESSAGE.validate_json(text)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        if problem["type"] == UNKNOWN_EVENT and _names_its_event(text):
            return None
        raise MalformedMessage(problem["type"]) from None


def _names_its_event(text: str) -> bool:
    try:
        _Named.model_validate_json(text)
    except ValidationError:
        return False
    return True


class OutgoingPayload(BaseModel):
    payload: str = Field(repr=False)


class OutgoingMedia(BaseModel):
    event: Literal["media"] = "media"
    streamSid: str
    media: OutgoingPayload


class OutgoingMark(BaseModel):
    event: Literal["mark"] = "mark"
    streamSid: str
    mark: MarkName


class OutgoingClear(BaseModel):
    event: Literal["clear"] = "clear"
    streamSid: str


Outgoing = OutgoingMedia | OutgoingMark | OutgoingClear


def media_message(stream_sid: str, sound: bytes) -> OutgoingMedia:
    payload = base64.b64encode(sound).decode("ascii")
    return OutgoingMedia(streamSid=stream_sid, media=OutgoingPayload(payload=payload))


def mark_message(stream_sid: str, name: str) -> OutgoingMark:
    return OutgoingMark(streamSid=stream_sid, mark=MarkName(name=name))


def clear_message(stream_sid: str) -> OutgoingClear:
    return OutgoingClear(streamSid=stream_sid)

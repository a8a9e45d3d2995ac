"""What a plain socket says and is told in text. Sound is binary."""

from __future__ import annotations

import json
from typing import Annotated, Literal, get_args

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from interject.config.strict import StrictModel
from interject.integrations.sockets.interleaved_audio import AudioEncoding, AudioFormat
from interject.integrations.sockets.message_fault import (
    DIGIT,
    fault_in_words,
    first_fault,
    text_like,
    unknown_field,
)
from interject.integrations.sockets.socket_codec import BadMessage

LEAST_RATE_HZ, MOST_RATE_HZ = 8_000, 48_000
MOST_CHANNELS = 8
Name = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Id = Annotated[str, text_like(r"[A-Za-z0-9_.-]{1,64}", "1 to 64 letters, digits, _, . and -")]
Seconds = Annotated[float, Field(ge=0, le=86_400)]


class Hello(StrictModel):
    """The first message. `tracks` says who speaks on each of the interleaved channels.

    `call` names the call, so that a socket that was cut can be opened again and go on; `speaks`
    whether sound may be sent back, at the same rate and encoding, on one channel; `marks` whether
    marks come back; `reads` whether people see what is written, so that nothing need be said to
    them aloud; `decisions` whether every decision is told.
    """

    type: Literal["hello"]
    version: Literal[1] = 1
    call: Id | None = None
    rate_hz: int = Field(default=16_000, ge=LEAST_RATE_HZ, le=MOST_RATE_HZ)
    encoding: AudioEncoding = AudioEncoding.PCM_S16LE
    tracks: tuple[Name, ...] = Field(default=("caller",), min_length=1, max_length=MOST_CHANNELS)
    speaks: bool = True
    marks: bool = False
    reads: bool = False
    decisions: bool = False

    @field_validator("tracks")
    @classmethod
    def _differ(cls, tracks: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(tracks)) < len(tracks):
            raise PydanticCustomError("twice", "each track has a name of its own")
        return tracks

    @property
    def audio_format(self) -> AudioFormat:
        return AudioFormat(self.encoding, self.rate_hz, len(self.tracks))


class NameTrack(StrictModel):
    """Who speaks on a track, where that was not known at first."""

    type: Literal["name"]
    track: Name
    name: Name


class TypedText(StrictModel):
    type: Literal["text"]
    track: Name
    text: str = Field(min_length=1, max_length=10_000, repr=False)


class PressDigit(StrictModel):
    type: Literal["digit"]
    track: Name
    digit: Annotated[str, DIGIT] = Field(repr=False)


class SkipSound(StrictModel):
    """So much was lost before what comes next."""

    type: Literal["gap"]
    seconds: Seconds


class PauseHearing(StrictModel):
    type: Literal["pause"]


class ResumeHearing(StrictModel):
    type: Literal["resume"]


class MarkPlayed(StrictModel):
    type: Literal["mark"]
    name: str = Field(max_length=64)


class Bye(StrictModel):
    type: Literal["bye"]


PlainMessage = (
    Hello | NameTrack | TypedText | PressDigit | SkipSound | PauseHearing | ResumeHearing
    | MarkPlayed | Bye
)  # fmt: skip
PLAIN_MESSAGE: TypeAdapter[PlainMessage] = TypeAdapter(
    Annotated[PlainMessage, Field(discriminator="type")]
)


def read_message(text: str) -> PlainMessage:
    """:raises BadMessage: when it is none."""
    try:
        return PLAIN_MESSAGE.validate_json(text)
    except ValidationError as error:
        raise BadMessage(_wrong(error)) from None


def told(kind: str, /, **fields: object) -> str:
    """A message of the server's."""
    return json.dumps({"type": kind, **fields}, ensure_ascii=False)


KINDS: dict[str, type[StrictModel]] = {
    get_args(kind.model_fields["type"].annotation)[0]: kind for kind in get_args(PlainMessage)
}


def _wrong(error: ValidationError) -> str:
    """Which field, and never what it held."""
    problem = first_fault(error)
    if problem["type"] in ("union_tag_invalid", "union_tag_not_found"):
        return f"its type must be one of {', '.join(KINDS)}"
    if not problem["loc"]:
        return fault_in_words(problem)
    kind, *where = map(str, problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"{kind}: {unknown_field(where[-1], KINDS[kind].model_fields.keys() - {'type'})}"
    return f"{'.'.join(where)} of {kind}: {fault_in_words(problem)}"

"""What AudioHook's client, the platform, says in text. Sound is binary beside it."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from interject.integrations.sockets.message_fault import DIGIT, text_like
from interject.integrations.sockets.platform_message import PlatformMessage

VERSION = "2"
MAX_NUMBER = 2**53
LONGEST_S = 10**7
DURATION = re.compile(r"PT((?:\d{0,8}\.)?\d{1,12})S", re.ASCII)
NIL = "00000000-0000-0000-0000-000000000000"
EXTERNAL, INTERNAL = "external", "internal"


def _seconds(value: object) -> float:
    match = DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("it must be a duration like PT1.5S")
    return float(match[1])


Seconds = Annotated[float, BeforeValidator(_seconds), Field(ge=0, le=LONGEST_S)]
"""An ISO 8601 duration, in the one form that the protocol has."""
Uuid = Annotated[
    str,
    Field(strict=True),
    text_like(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", "a UUID"),
]
SeqNumber = Annotated[int, Field(strict=True, ge=0, le=MAX_NUMBER)]


class _FromClient(PlatformMessage):
    model_config = ConfigDict(alias_generator=to_camel)


class ClientMessage(_FromClient):
    """What every message has: `parameters` are read by its type."""

    version: Literal["2"]
    id: Uuid
    type: Annotated[str, Field(strict=True, max_length=64)]
    seq: SeqNumber
    serverseq: Annotated[SeqNumber, Field(alias="serverseq")]
    position: Seconds
    parameters: dict[str, Any] = Field(repr=False)


class Media(_FromClient):
    """One offer: `channels` says who speaks on each. Those of other types may have other fields."""

    type: Annotated[str, Field(max_length=16)]
    format: Annotated[str, Field(max_length=16)] = ""
    channels: Annotated[tuple[str, ...], Field(max_length=32)] = ()
    rate: Annotated[int, Field(strict=True)] = 0

    @property
    def is_heard(self) -> bool:
        """Whether it is of the kind that is read here."""
        return (
            (self.type, self.format, self.rate) == ("audio", "PCMU", 8_000)
            and len(set(self.channels)) == len(self.channels) > 0
            and set(self.channels) <= {EXTERNAL, INTERNAL}
        )


class HookParticipant(_FromClient):
    """Of the customer nothing but this is read: no name, no number."""

    id: Uuid


class OpenParameters(_FromClient):
    """`is_probe`: an administrator tries the connection, there is no call."""

    organization_id: Uuid
    conversation_id: Uuid
    participant: HookParticipant
    media: Annotated[tuple[Media, ...], Field(max_length=32)]
    supported_languages: bool = False

    @property
    def is_probe(self) -> bool:
        return NIL in (self.conversation_id, self.participant.id)


class CloseParameters(_FromClient):
    reason: Annotated[str, Field(max_length=64)]


class LostParameters(_FromClient):
    """Of `discarded` and `resumed`: so much of the sound is not sent."""

    start: Seconds
    discarded: Seconds


class ErrorParameters(_FromClient):
    code: Annotated[int, Field(strict=True, ge=0, le=9_999)]
    retry_after: Seconds | None = None


class DtmfParameters(_FromClient):
    digit: Annotated[str, DIGIT, Field(repr=False)]

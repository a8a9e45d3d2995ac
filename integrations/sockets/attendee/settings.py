"""What a user has to say of his Attendee server."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import AfterValidator, Field, model_validator

from interject.integrations.sockets.platform_settings import PlatformSettings, web_address

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

DEFAULT_URL = "https://app.attendee.dev"
MAKE_SECRET = "export INTERJECT_ATTENDEE_SECRET=$(openssl rand -hex 24)"


def _base64(secret: str) -> str:
    try:
        key = base64.b64decode(secret, validate=True)
    except binascii.Error:
        key = b""
    if secret and len(key) < 16:
        raise ValueError("it must be the secret of Attendee's page Settings, Webhooks, as it is")
    return secret


def _playable(rate_hz: int) -> int:
    if rate_hz not in (8_000, 16_000, 24_000):
        raise ValueError("it must be 8000, 16000 or 24000")
    return rate_hz


class AttendeeSettings(PlatformSettings):
    """`secret` is the end of the URL that a bot is given: it can send nothing else with its socket.
    `api_key` lets the agent write into the chat; without it people are told aloud who listens.
    `webhook_secret` checks who sends names and chat. `speech_rate_hz` is the agent's voice's.
    """

    PREFIX: ClassVar[str] = "INTERJECT_ATTENDEE_"
    PAGE: ClassVar[str] = "docs/meetings.md"
    EXPECTED: ClassVar[Mapping[str, str]] = {
        "secret": f"16 to 128 letters, digits, - and _; make one with {MAKE_SECRET}",
        "speech_rate_hz": "it must be 8000, 16000 or 24000",
    }

    secret: str = Field(default="", repr=False, pattern=r"^([A-Za-z0-9_-]{16,128})?$")
    url: Annotated[str, AfterValidator(web_address)] = DEFAULT_URL
    api_key: str = Field(default="", repr=False, pattern=r"^[!-~]*$")
    webhook_secret: Annotated[str, AfterValidator(_base64)] = Field(default="", repr=False)
    speech_rate_hz: Annotated[int, AfterValidator(_playable)] = 16_000

    @model_validator(mode="after")
    def _secured(self) -> Self:
        if not (self.secret or self.insecure_dev):
            raise ValueError(
                "set INTERJECT_ATTENDEE_SECRET, the end of the URL that a bot is given, so that "
                f"nobody else can use it: {MAKE_SECRET}"
            )
        return self

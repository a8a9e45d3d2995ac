"""What an operator has to say of his Genesys integrations."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import AfterValidator, Field, model_validator

from interject.config import Profile, ProfileError, load_profile
from interject.integrations.conversation.copilot_profile import can_be_read
from interject.integrations.sockets.platform_settings import PlatformSettings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

LEAST_SECRET_BYTES = 16
KEY = r"^([A-Za-z0-9+/_-]{16,200}={0,2})?$"
MAKE_KEY = "export INTERJECT_AUDIOHOOK_API_KEY=$(openssl rand -hex 24)"
MAKE_SECRET = "export INTERJECT_AUDIOHOOK_CLIENT_SECRET=$(openssl rand -base64 32)"


def _base64(secret: str) -> str:
    try:
        key = base64.b64decode(secret, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if secret and len(key) < LEAST_SECRET_BYTES:
        raise ValueError(f"{LEAST_SECRET_BYTES} bytes or more in base64: {MAKE_SECRET}")
    return secret


def _copilot(name: str) -> str:
    try:
        profile = load_profile(name) if name else None
    except ProfileError as error:
        raise ValueError(str(error)) from None
    if profile is not None and not can_be_read(profile):
        raise ValueError(
            "a copilot is never heard, so its profile needs outputs that somebody reads in its "
            "mode: [cue], with mode: assist"
        )
    return name


ApiKey = Annotated[str, Field(repr=False, pattern=KEY)]
ClientSecret = Annotated[str, AfterValidator(_base64), Field(repr=False)]


class AudioHookSettings(PlatformSettings):
    """A key and its secret are entered in Genesys, which sends the one and signs with the other.
    There may be two pairs of them, while they are exchanged. `profile` is the copilot's.
    """

    PREFIX: ClassVar[str] = "INTERJECT_AUDIOHOOK_"
    PAGE: ClassVar[str] = "docs/audiohook.md"
    EXPECTED: ClassVar[Mapping[str, str]] = {
        "api_key": f"16 to 200 letters, digits, +, /, - and _: {MAKE_KEY}",
        "secondary_api_key": "16 to 200 letters, digits, +, /, - and _",
    }

    api_key: ApiKey = ""
    client_secret: ClientSecret = ""
    secondary_api_key: ApiKey = ""
    secondary_client_secret: ClientSecret = ""
    profile: Annotated[str, AfterValidator(_copilot)] = ""

    @model_validator(mode="after")
    def _secured(self) -> Self:
        if not ((self.api_key and self.client_secret) or self.insecure_dev):
            raise ValueError(
                "set INTERJECT_AUDIOHOOK_API_KEY and INTERJECT_AUDIOHOOK_CLIENT_SECRET to what you "
                f"enter in Genesys as API Key and Client Secret: {MAKE_KEY}; {MAKE_SECRET}"
            )
        for key, secret in (("api_key", "client_secret"), SECONDARY):
            if bool(getattr(self, key)) != bool(getattr(self, secret)):
                raise ValueError(
                    f"set both {self.variable(key)} and {self.variable(secret)}, or none of them"
                )
        return self

    @property
    def keys(self) -> dict[str, bytes]:
        """The secret of each API key."""
        pairs = (
            (self.api_key, self.client_secret),
            (self.secondary_api_key, self.secondary_client_secret),
        )
        return {key: base64.b64decode(secret) for key, secret in pairs if key}

    @property
    def copilot(self) -> Profile | None:
        return load_profile(self.profile) if self.profile else None


SECONDARY = "secondary_api_key", "secondary_client_secret"

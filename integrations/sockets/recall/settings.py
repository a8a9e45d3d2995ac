"""What a user has to say of his Recall.ai workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import AfterValidator, Field, model_validator

from interject.integrations.sockets.platform_settings import PlatformSettings, web_address
from interject.integrations.web.webhook_signature import WebhookSecret

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

MAKE_TOKEN = "export INTERJECT_RECALL_TOKEN=$(openssl rand -hex 24)"


def _signing(secret: str) -> str:
    if secret:
        try:
            WebhookSecret(secret)
        except ValueError:
            raise ValueError("whsec_ and what follows, as Recall's dashboard shows it") from None
    return secret


class RecallSettings(PlatformSettings):
    """`token` is at the end of the URL that a bot is given, `secret` the workspace's verification
    secret, with which Recall signs. One is enough; of both, both are asked for. `api_key` lets the
    agent write into the chat, by the API of the workspace's region, `url`.
    """

    PREFIX: ClassVar[str] = "INTERJECT_RECALL_"
    PAGE: ClassVar[str] = "docs/meetings.md"
    EXPECTED: ClassVar[Mapping[str, str]] = {
        "token": f"16 to 128 letters, digits, - and _; make one with {MAKE_TOKEN}",
    }

    token: str = Field(default="", repr=False, pattern=r"^([A-Za-z0-9_-]{16,128})?$")
    secret: Annotated[str, AfterValidator(_signing)] = Field(default="", repr=False)
    api_key: str = Field(default="", repr=False, pattern=r"^[!-~]*$")
    url: Annotated[str, AfterValidator(web_address)] = ""

    @model_validator(mode="after")
    def _secured(self) -> Self:
        if not (self.token or self.secret or self.insecure_dev):
            raise ValueError(
                "set INTERJECT_RECALL_TOKEN, the end of the URL that a bot is given, so that "
                f"nobody else can use it: {MAKE_TOKEN}; or INTERJECT_RECALL_SECRET, with which "
                "Recall signs"
            )
        if bool(self.api_key) != bool(self.url):
            raise ValueError(
                "set both INTERJECT_RECALL_API_KEY and INTERJECT_RECALL_URL, the API of the region "
                "of your workspace, as https://us-west-2.recall.ai, or none of them"
            )
        return self

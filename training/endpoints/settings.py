"""Where a server is, and how long it may take."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from interject.config.strict import StrictModel
from interject.training.endpoints.failures import EndpointFailure

if TYPE_CHECKING:
    from collections.abc import Mapping


class EndpointSettings(StrictModel):
    """A server with the HTTP interface of OpenAI. `base_url` ends before `/chat/completions`.

    The key itself is never a setting: `api_key_env` names the environment variable that holds it.
    `answer_timeout_s` is for one whole answer, however slowly it drips.
    """

    base_url: str
    model: str = Field(min_length=1)
    api_key_env: str = ""
    connect_timeout_s: float = Field(default=5.0, gt=0, le=600)
    answer_timeout_s: float = Field(default=120.0, gt=0, le=3_600)
    most_answer_bytes: int = Field(default=4_000_000, gt=0)

    @field_validator("base_url")
    @classmethod
    def _is_a_url(cls, value: str) -> str:
        """The address is shown in messages, so it may hold no password."""
        try:
            parts = urlsplit(value)
            _ = parts.port
        except ValueError as error:
            raise ValueError("is no URL") from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must begin with http:// or https:// and name a host")
        if parts.username is not None or parts.query or parts.fragment:
            raise ValueError(
                "must hold no user name, password, query or fragment; "
                "name the variable that holds the key in api_key_env"
            )
        if not value.isascii() or not value.isprintable() or " " in value:
            raise ValueError("holds a letter that a URL may not hold")
        return value.rstrip("/")


def read_key(settings: EndpointSettings, environment: Mapping[str, str] | None = None) -> str:
    """Empty where none is named.

    :raises EndpointFailure: when the variable is not set, or holds what no header may hold.
    """
    name = settings.api_key_env
    if not name:
        return ""
    key = (os.environ if environment is None else environment).get(name, "").strip()
    if not key:
        raise EndpointFailure(
            f"the key for {settings.base_url} is taken from the environment variable {name}, "
            "which is not set"
        )
    if not (key.isascii() and key.isprintable()):
        raise EndpointFailure(f"the environment variable {name} holds letters that no key has")
    return key

"""Where a server is, and how long it may take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from interject.config.endpoint import HttpAddress, KeyMissing, KeyVariable, read_key
from interject.config.strict import StrictModel
from interject.training.endpoints.failures import EndpointFailure

if TYPE_CHECKING:
    from collections.abc import Mapping


class EndpointSettings(StrictModel):
    """A server with the HTTP interface of OpenAI. `base_url` ends before `/chat/completions`.

    The key itself is never a setting: `api_key_env` names the environment variable that holds it.
    `answer_timeout_s` is for one whole answer, however slowly it drips.
    """

    base_url: HttpAddress
    model: str = Field(min_length=1)
    api_key_env: KeyVariable = ""
    connect_timeout_s: float = Field(default=5.0, gt=0, le=600)
    answer_timeout_s: float = Field(default=120.0, gt=0, le=3_600)
    most_answer_bytes: int = Field(default=4_000_000, gt=0)


def endpoint_key(settings: EndpointSettings, environment: Mapping[str, str] | None = None) -> str:
    """Empty where none is named.

    :raises EndpointFailure: when the variable is not set, or holds what no header may hold.
    """
    try:
        return read_key(settings.api_key_env, settings.base_url, environment)
    except KeyMissing as error:
        raise EndpointFailure(str(error)) from None

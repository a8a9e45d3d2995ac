"""The base of what platforms say in JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from interject.integrations.sockets.socket_codec import BadMessage

if TYPE_CHECKING:
    from collections.abc import Callable


class PlatformMessage(BaseModel):
    """A platform may add fields at any time. What is wrong with a message is told in words that
    hold nothing of it, but which of our fields it is about.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """:raises BadMessage: when it is no such message."""
        return _unless_bad(lambda: cls.model_validate_json(text))

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> Self:
        """:raises BadMessage: likewise."""
        return _unless_bad(lambda: cls.model_validate(fields))


Message = TypeVar("Message", bound=PlatformMessage)


def _unless_bad(read: Callable[[], Message]) -> Message:
    try:
        return read()
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise BadMessage(f"{where}: {problem['type']}" if where else problem["type"]) from None

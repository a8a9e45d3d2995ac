"""The base of what platforms say in JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from interject.integrations.sockets.message_fault import fault_in_words, first_fault
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
        problem = first_fault(error)
        where, said = ".".join(map(str, problem["loc"])), fault_in_words(problem)
        raise BadMessage(f"{where}: {said}" if where else said) from None

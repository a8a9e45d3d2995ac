"""What a pipeline's context holds that the model has not heard itself."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pipecat.processors.aggregators.llm_context import standard_message_text

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_HEARD = 64


class Author(StrEnum):
    """Who wrote something: somebody on the call, or the program around it."""

    PERSON = "person"
    PROGRAM = "program"


AUTHORS = {"user": Author.PERSON, "developer": Author.PROGRAM, "system": Author.PROGRAM}
"""By the role of a message. What the assistant or a tool says the model knows, or cannot read."""


@dataclass(frozen=True, slots=True)
class ContextTurn:
    """`answered`: the program wants a reply to it."""

    author: Author
    text: str = field(repr=False)
    answered: bool = False


@dataclass(frozen=True, slots=True)
class ContextNews:
    """`reply_wanted`: by the program, to no text of its own."""

    turns: tuple[ContextTurn, ...]
    reply_wanted: bool


class ContextReader:
    """Messages are read once. What a recogniser wrote down was heard already."""

    def __init__(self) -> None:
        self._known: list[Any] = []
        self._heard: deque[str] = deque(maxlen=MOST_HEARD)

    def heard(self, text: str) -> None:
        """The next message of these words is what somebody has said aloud."""
        self._heard.append(text)

    def read(self, messages: Sequence[Any]) -> ContextNews:
        """What is new in a context with which a program asks for a reply."""
        new = messages[_common(self._known, messages) :]
        self._known = list(messages)
        if not new:
            return ContextNews((), reply_wanted=True)
        turns = [turn for message in new[:-1] if (turn := self._turn(message)) is not None]
        last = self._turn(new[-1])
        asked = _role(new[-1]) in ("user", "developer")
        if last is not None:
            turns.append(replace(last, answered=asked))
        return ContextNews(tuple(turns), reply_wanted=not asked)

    def _turn(self, message: Any) -> ContextTurn | None:
        author = AUTHORS.get(_role(message))
        text = standard_message_text(message).strip() if author else ""
        if author is None or not text:
            return None
        if author is Author.PERSON and text in self._heard:
            self._heard.remove(text)
            return None
        return ContextTurn(author, text)


def _role(message: Any) -> str:
    return str(message.get("role", "")) if isinstance(message, dict) else ""


def _common(known: Sequence[Any], messages: Sequence[Any]) -> int:
    """How many messages both begin with."""
    for at, (old, new) in enumerate(zip(known, messages, strict=False)):
        if old != new:
            return at
    return min(len(known), len(messages))

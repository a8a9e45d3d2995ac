"""What a pipeline's context holds that the model has not heard itself."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from pipecat.processors.aggregators.llm_context import standard_message_text

if TYPE_CHECKING:
    from collections.abc import MutableSequence, Sequence

MOST_HEARD = 64


class Author(StrEnum):
    """Who wrote something: somebody on the call, or the program around it."""

    PERSON = "person"
    PROGRAM = "program"


AUTHORS = {"user": Author.PERSON, "developer": Author.PROGRAM, "system": Author.PROGRAM}
"""By the role of a message. What the assistant or a tool says the model knows, or cannot read."""
ASKING = frozenset({"user", "developer"})
"""Roles whose last message is to be answered."""


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
        self._heard.append(text.strip())

    def read(self, messages: Sequence[Any]) -> ContextNews:
        """What is new in a context that was pushed.

        A program pushes one for a reply. So does a pipeline for what a recogniser wrote down,
        whatever stands behind that by then; nobody wants a reply to it.
        """
        new = _news(self._known, messages)
        self._known = list(messages)
        unheard = [message for message in new if not self._was_heard(message)]
        asked = bool(new) and _role(new[-1]) in ASKING
        turns = [turn for message in unheard[:-1] if (turn := _turn(message)) is not None]
        if unheard and (last := _turn(unheard[-1])) is not None:
            turns.append(replace(last, answered=asked and unheard[-1] is new[-1]))
        return ContextNews(tuple(turns), reply_wanted=not asked and len(unheard) == len(new))

    def _was_heard(self, message: Any) -> bool:
        """Each that was said aloud counts for one message."""
        if AUTHORS.get(_role(message)) is not Author.PERSON:
            return False
        return _took(self._heard, standard_message_text(message).strip())


def _turn(message: Any) -> ContextTurn | None:
    author = AUTHORS.get(_role(message))
    text = standard_message_text(message).strip() if author else ""
    return ContextTurn(author, text) if author and text else None


def _role(message: Any) -> str:
    return str(message.get("role", "")) if isinstance(message, dict) else ""


def _news(known: Sequence[Any], messages: Sequence[Any]) -> list[Any]:
    """What follows the end of what was known, and of the rest what was not in there: a program may
    take the oldest messages away, sum them up, or write the first ones anew.
    """
    end, kept = _kept_end(known, messages)
    before = list(known[: len(known) - kept])
    changed = [one for one in messages[: end - kept] if not _took(before, one)]
    return [*changed, *messages[end:]]


def _kept_end(known: Sequence[Any], messages: Sequence[Any]) -> tuple[int, int]:
    """Where the end of `known` stands in `messages`, and how many are the same up to there."""
    best, kept = len(messages), 0
    for end in range(1, len(messages) + 1):
        pairs = zip(reversed(known), reversed(messages[:end]), strict=False)
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        if same > kept:
            best, kept = end, same
    return best, kept


def _took(held: MutableSequence[Any], one: Any) -> bool:
    """Whether it was there; then it is there once less."""
    if one not in held:
        return False
    held.remove(one)
    return True

"""The conversation so far, as far as words of it are known."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import Literal

MOST_TURN_CHARS = 2_000


@dataclass(frozen=True, slots=True)
class DialogueTurn:
    """What somebody typed, or the agent said. What people say aloud nobody has written down: such
    a turn has no text.
    """

    role: Literal["user", "assistant"]
    text: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Enquiry:
    """What a responder is given to answer one reply of the gate's.

    `heard` is the sound before it, as PCM; `typed` what was written since the last reply; `begun`
    the words that are being said already.
    """

    draft: str = field(repr=False)
    heard: bytes = field(default=b"", repr=False)
    typed: str = field(default="", repr=False)
    begun: str = field(default="", repr=False)
    turns: tuple[DialogueTurn, ...] = ()


class Dialogue:
    """The newest `most` turns. An assistant's turn is the reply of that id, as it was heard."""

    def __init__(self, most: int) -> None:
        self._turns: deque[tuple[int | None, DialogueTurn]] = deque(maxlen=most)
        self._typed: list[str] = []

    @property
    def turns(self) -> tuple[DialogueTurn, ...]:
        return tuple(turn for _, turn in self._turns)

    def typed(self, text: str) -> None:
        self._typed.append(text[:MOST_TURN_CHARS])

    def take_typed(self) -> str:
        """What was written since it was asked for last; now it is a turn."""
        text = "\n".join(self._typed)[-MOST_TURN_CHARS:]
        self._typed.clear()
        return text

    def replied(self, reply_id: int, text: str, *, typed: str = "") -> None:
        """To what was written, or else to what was heard."""
        if text.strip():
            self._turns.append((None, DialogueTurn("user", typed)))
            self._turns.append((reply_id, DialogueTurn("assistant", text[:MOST_TURN_CHARS])))

    def cut(self, reply_id: int, heard_chars: int) -> None:
        """Somebody talked over it: so much of it was heard."""
        for at, (own_id, turn) in enumerate(self._turns):
            if own_id == reply_id:
                self._turns[at] = own_id, replace(turn, text=turn.text[:heard_chars])

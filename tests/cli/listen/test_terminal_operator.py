"""At a real terminal a person is asked before a tool does something; elsewhere nobody is."""

from __future__ import annotations

import asyncio
import os
import pty
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from interject.agent.responder.tools.operator import ToolWish, WishOutcome
from interject.cli.listen.terminal_operator import TerminalOperator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO


def wish(within_s: float = 20.0) -> ToolWish:
    return ToolWish("w", "s", "refund", (("amount", "5"),), "", within_s)


@contextmanager
def terminal() -> Iterator[tuple[int, TextIO]]:
    """The side of whoever types, and the program's."""
    ours, theirs = pty.openpty()
    with open(theirs, encoding="utf-8") as keyboard:
        try:
            yield ours, keyboard
        finally:
            os.close(ours)


class Asked:
    """What was written, and typing that begins when a question stands there."""

    def __init__(self, keyboard: int, typed: bytes) -> None:
        self.text = ""
        self._keyboard = keyboard
        self._typed = typed

    def __call__(self, text: str) -> None:
        self.text += text
        if "May it?" in text and self._typed:
            os.write(self._keyboard, self._typed)


class Foreground(TerminalOperator):
    """A pseudo-terminal is nobody's foreground; a person's is."""

    def can_type(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("typed", "outcome"),
    [
        (b"y\n", WishOutcome.ALLOWED),
        (b" YES \n", WishOutcome.ALLOWED),
        (b"\n", WishOutcome.DENIED),
        (b"yesterday\n", WishOutcome.DENIED),
        (b"\x04", WishOutcome.ABSENT),
    ],
)
async def test_a_line_is_the_answer(typed: bytes, outcome: WishOutcome) -> None:
    with terminal() as (ours, keyboard):
        asked = Asked(ours, typed)
        os.write(ours, b"y\n")  # Typed before there was a question.
        answer = await Foreground(keyboard, asked).decide(wish())
    assert answer.outcome is outcome
    assert asked.text.startswith("The agent wants to call refund(amount=5)")
    assert "\n" not in asked.text, "a table on the screen takes whole lines alone as they are"


async def test_two_questions_are_asked_one_after_another_and_silence_is_no_yes() -> None:
    with terminal() as (ours, keyboard):
        asked = Asked(ours, b"")
        operator = Foreground(keyboard, asked)
        answers = await asyncio.gather(operator.decide(wish(0.05)), operator.decide(wish(0.05)))
    assert {answer.outcome for answer in answers} == {WishOutcome.UNANSWERED}
    assert asked.text.count("May it?") == 1


async def test_without_a_terminal_or_in_the_background_nobody_is_asked(tmp_path: Any) -> None:
    asked = Asked(-1, b"")
    (tmp_path / "lines").write_text("y\ny\n")
    with (tmp_path / "lines").open(encoding="utf-8") as file, terminal() as (_, keyboard):
        for source in (None, file, keyboard):
            answer = await TerminalOperator(source, asked).decide(wish())
            assert answer.outcome is WishOutcome.ABSENT
    assert asked.text == ""

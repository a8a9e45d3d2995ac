"""Asks whoever sits at the terminal before a tool does something."""

from __future__ import annotations

import asyncio
import os
import sys
import termios
from contextlib import contextmanager
from typing import TYPE_CHECKING

from interject.agent.responder.tools.asked_tool import written_call
from interject.agent.responder.tools.operator import OperatorAnswer, WishOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO

    from interject.agent.responder.tools.operator import ToolWish

YES = ("y", "yes")
LINE_BYTES = 4_096


def write_to_terminal(line: str) -> None:
    """Whole lines stay above the table; of a part of one its brackets would be taken for marks."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


class TerminalOperator:
    """One question after another; while there is no terminal to answer at, nobody is there. Lines
    that were typed before a question answer nothing.
    """

    def __init__(
        self, keyboard: TextIO | None, tell: Callable[[str], None] = write_to_terminal
    ) -> None:
        self._keyboard = keyboard
        self._tell = tell
        self._turn = asyncio.Lock()

    async def decide(self, wish: ToolWish) -> OperatorAnswer:
        if not self.can_type():
            return OperatorAnswer(WishOutcome.ABSENT)
        try:
            async with asyncio.timeout(wish.within_s), self._turn:
                return OperatorAnswer(await self._asked(wish))
        except TimeoutError:
            self._tell("nobody has answered: it is not done")
            return OperatorAnswer(WishOutcome.UNANSWERED)

    def can_type(self) -> bool:
        """A program in the background that reads a terminal is stopped by it."""
        keyboard = self._keyboard
        try:
            if keyboard is None or not keyboard.isatty():
                return False
            return os.tcgetpgrp(keyboard.fileno()) == os.getpgrp()
        except (OSError, ValueError):
            return False

    async def _asked(self, wish: ToolWish) -> WishOutcome:
        assert self._keyboard is not None, "somebody can type"
        call = written_call(wish.tool, wish.shown)
        termios.tcflush(self._keyboard, termios.TCIFLUSH)
        self._tell(f"The agent wants to call {call}. May it? [y/N, {wish.within_s:g} s]")
        line = await _line(self._keyboard.fileno())
        if line is None:
            return WishOutcome.ABSENT
        return WishOutcome.ALLOWED if line.strip().lower() in YES else WishOutcome.DENIED


async def _line(fd: int) -> str | None:
    """The next one; None: the terminal is gone, or has said that nothing follows."""
    with _readable(fd) as ready:
        await ready.wait()
        try:
            return os.read(fd, LINE_BYTES).decode(errors="replace") or None
        except OSError:
            return None


@contextmanager
def _readable(fd: int) -> Iterator[asyncio.Event]:
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(fd, ready.set)
    try:
        yield ready
    finally:
        loop.remove_reader(fd)

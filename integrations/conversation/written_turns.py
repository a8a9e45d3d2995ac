"""What people write, on its way to the session that hears them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

MAX_EARLY = 16


class ReadingSession(Protocol):
    """One that takes text."""

    def text_turn(self, text: str, *, answer: bool, writer: str) -> None: ...


class WrittenTurns:
    """What is written while the model is being opened waits for it, up to `begin`.

    `of` gives the session that hears somebody, and `on_unread` is told whose text none reads.
    """

    def __init__(
        self,
        of: Callable[[str], ReadingSession | None],
        *,
        answer: bool,
        on_unread: Callable[[str], None],
    ) -> None:
        self._of = of
        self._answer = answer
        self._on_unread = on_unread
        self._early: list[tuple[str, str]] | None = []

    def take(self, identity: str, text: str) -> None:
        session = self._of(identity)
        if session is not None:
            session.text_turn(text, answer=self._answer, writer=identity)
        elif self._early is not None and len(self._early) < MAX_EARLY:
            self._early.append((identity, text))
        else:
            logger.warning("A chat message was dropped; no model is there to read it")
            self._on_unread(identity)

    def begin(self) -> None:
        """The sessions are open."""
        early, self._early = self._early, None
        for identity, text in early or ():
            self.take(identity, text)

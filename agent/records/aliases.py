"""Names of people, and what stands for them where they are not kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_ALIASES = 1_024


class Aliases:
    """`speaker 1` for the first who comes, and so on; `named`: everybody keeps his name."""

    def __init__(self, *, named: bool) -> None:
        self._named = named
        self._known: dict[str, str] = {}

    def of(self, identity: str) -> str:
        if self._named:
            return identity
        if identity not in self._known:
            if len(self._known) >= MOST_ALIASES:
                return "somebody"
            self._known[identity] = f"speaker {len(self._known) + 1}"
        return self._known[identity]


class SessionAliases:
    """A call's session may be named by whom it hears: `CALL-NAME`, and its cards by the session.
    `name_of` is what stands for the name.
    """

    def __init__(self, call: str, name_of: Callable[[str], str]) -> None:
        self._prefix = f"{call}-"
        self._name_of = name_of
        self._known: dict[str, str] = {}

    def of(self, session: str) -> str:
        if not session.startswith(self._prefix):
            return session
        if session not in self._known and len(self._known) < MOST_ALIASES:
            self._known[session] = self._alias(session)
        return self._known.get(session) or self._alias(session)

    def in_id(self, card: str) -> str:
        """One that came again is named by the session in which it came first."""
        for session in sorted(self._known, key=len, reverse=True):
            if card.startswith(f"{session}-"):
                return f"{self._known[session]}{card.removeprefix(session)}"
        return card

    def _alias(self, session: str) -> str:
        return f"{self._prefix}{self._name_of(session.removeprefix(self._prefix))}"

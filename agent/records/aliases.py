"""Names of people, and what stands for them where they are not kept."""

from __future__ import annotations

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

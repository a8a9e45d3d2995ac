"""Speakers as people may see them: their numbers masked, and still told apart."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from interject.integrations.conversation.masked_number import with_masked_numbers

if TYPE_CHECKING:
    from interject.model_runtime.protocol import Speaker

MOST_NAMES = 256


class ShownNames:
    """Of one session. Two numbers that end alike become `******42` and `******42 (2)`."""

    def __init__(self) -> None:
        self._shown: dict[str, str] = {}

    def of(self, identity: str) -> str:
        if (known := self._shown.get(identity)) is not None:
            return known
        masked = with_masked_numbers(identity)
        taken = sum(with_masked_numbers(other) == masked for other in self._shown)
        shown = masked if not taken else f"{masked} ({taken + 1})"
        if len(self._shown) < MOST_NAMES:
            self._shown[identity] = shown
        return shown

    def all(self, identities: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(self.of, identities))

    def speakers(self, speakers: tuple[Speaker, ...]) -> tuple[Speaker, ...]:
        return tuple(replace(one, identity=self.of(one.identity)) for one in speakers)

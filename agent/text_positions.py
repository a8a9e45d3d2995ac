"""Where in a text that was changed a character of the original stands."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class TextPositions:
    """Told of every change in order. A change at `at` moves what stands behind that position of
    the new text, and not the position itself.
    """

    _moves: list[tuple[int, int]] = field(default_factory=list)

    def cut(self, at: int, missing: int) -> None:
        """So many characters of the original are missing; below 0, there are more of them."""
        self._moves.append((at, missing))

    def replace(self, at: int, *, original: int, shown: int) -> None:
        """Whoever has heard part of what stands there instead has heard nothing of the original."""
        for more in range(shown - 1):
            self.cut(at + more, -1)
        self.cut(at + shown - 1, original - 1)

    def original(self, chars: int) -> int:
        """How far the first `chars` characters of the new text reach in the original."""
        return chars + sum(missing for at, missing in self._moves if at < chars)

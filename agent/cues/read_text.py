"""Replies that the profile knows word for word, read as what it says they stand for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interject.config.lists import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from interject.agent.cues.tags import TaggedText


class KnownReplies:
    """By their letters and digits alone."""

    def __init__(self, read_as: Mapping[str, str]) -> None:
        self._read_as = {plain(reply): text for reply, text in read_as.items()}

    def __bool__(self) -> bool:
        return bool(self._read_as)

    def reading(self, text: str) -> str | None:
        return self._read_as.get(plain(text))

    def may_become(self, text: str) -> bool:
        so_far = plain(text)
        return any(reply.startswith(so_far) for reply in self._read_as)


@dataclass(slots=True)
class ReadText:
    """One reply, piece by piece, as it is read: what may still become a known one is held back.
    Its tags are taken out by `tagged`, from the reading as from any other text.
    """

    known: KnownReplies
    tagged: TaggedText
    _held: str = field(default="", repr=False)
    _is_open: bool = True
    _is_read: bool = False

    @property
    def found(self) -> list[str]:
        return self.tagged.found

    def push(self, piece: str) -> str:
        if not self._is_open:
            return self.tagged.push(piece)
        self._held += piece
        if self.known.may_become(self._held):
            return ""
        self._is_open = False
        return self.tagged.push(self._held)

    def finish(self, *, whole: bool) -> str:
        """Of a known reply that was cut nobody has heard or read anything."""
        if not self._is_open:
            return self.tagged.finish(whole=whole)
        reading = self.known.reading(self._held) if whole else None
        self._is_read = reading is not None
        self._is_open = self._is_read
        said = reading if reading is not None else self._held if whole else ""
        return self.tagged.push(said) + self.tagged.finish(whole=whole)

    def raw_chars(self, chars: int) -> int:
        """How far in the model's own words the first `chars` characters reach. A reading has other
        words: it was heard to its end, or not at all.
        """
        if not self._is_read:
            return self.tagged.raw_chars(chars)
        return len(self._held) if chars >= self.tagged.length else 0

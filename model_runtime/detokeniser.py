"""Token ids to text, piece by piece, never half a character."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tokenizers import Tokenizer

_INCOMPLETE = "\N{REPLACEMENT CHARACTER}"
_LONGEST_CHARACTER_TOKENS = 4


class Detokeniser:
    """Turns a growing run of ids into text.

    A multi-byte character may span up to four tokens; its first tokens yield nothing. Bytes that
    never become a character yield the replacement character once that is certain.
    """

    def __init__(self, tokenizer: Tokenizer | None) -> None:
        self._tokenizer = tokenizer
        self._ids: list[int] = []
        self._settled = 0
        self._shown = 0

    def push(self, token: int) -> str:
        """The text that this token completes."""
        self._ids.append(token)
        waiting = len(self._ids) - self._shown
        text = self._fresh()
        if text.endswith(_INCOMPLETE) and waiting < _LONGEST_CHARACTER_TOKENS:
            return ""
        return self._settle(text)

    def finish(self) -> str:
        """What is left, complete or not."""
        return self._settle(self._fresh())

    def _fresh(self) -> str:
        """Decoded behind some settled tokens: decoders treat a run's first token differently."""
        if self._tokenizer is None:
            return ""
        before = self._decode(self._ids[self._settled : self._shown])
        return self._decode(self._ids[self._settled :])[len(before) :]

    def _settle(self, text: str) -> str:
        self._settled = self._shown
        self._shown = len(self._ids)
        return text

    def _decode(self, ids: Sequence[int]) -> str:
        assert self._tokenizer is not None
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=False))

"""Token ids to text, piece by piece, never half a character."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tokenizers import Tokenizer

_INCOMPLETE = "\N{REPLACEMENT CHARACTER}"
_MOST_UNFINISHED_TOKENS = 3
"""Of a character's at most four bytes, the last is missing."""


class Detokeniser:
    """Turns a growing run of ids into text.

    A multi-byte character may span up to four tokens; its first tokens yield nothing. Bytes that
    never become a character yield the replacement character once no later token can change that.
    `tokenizers.DecodeStream` keeps such bytes back for as long as none comes, and has no end.
    """

    def __init__(self, tokenizer: Tokenizer | None) -> None:
        self._tokenizer = tokenizer
        self._ids: list[int] = []
        self._settled = 0
        self._shown = 0

    def push(self, token: int) -> str:
        """The text that this token completes."""
        self._ids.append(token)
        text = self._fresh()
        if not text.endswith(_INCOMPLETE):
            return self._settle(text)
        for end in range(len(self._ids) - _MOST_UNFINISHED_TOKENS, self._shown, -1):
            if self._splits(end):
                return self._settle(self._fresh(end), end)
        return ""

    def finish(self) -> str:
        """What is left, complete or not."""
        return self._settle(self._fresh())

    def _fresh(self, end: int | None = None) -> str:
        """Decoded behind some settled tokens: decoders treat a run's first token differently."""
        if self._tokenizer is None:
            return ""
        before = self._decode(self._ids[self._settled : self._shown])
        return self._decode(self._ids[self._settled : end])[len(before) :]

    def _splits(self, end: int) -> bool:
        """Whether no character begins before this token and goes on in it."""
        whole = self._decode(self._ids[self._settled :])
        first = self._decode(self._ids[self._settled : end])
        rest = self._decode(self._ids[end:])
        return whole in (first + rest, f"{first} {rest}")

    def _settle(self, text: str, end: int | None = None) -> str:
        self._settled = self._shown
        self._shown = len(self._ids) if end is None else end
        return text

    def _decode(self, ids: Sequence[int]) -> str:
        assert self._tokenizer is not None
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=False))

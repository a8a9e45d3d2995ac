"""A reply while it is being decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.model_runtime.engine.detokeniser import Detokeniser
from interject.model_runtime.engine.snapshot import ReplySnapshot
from interject.model_runtime.protocol import Cause, Emotion, EndReason

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from interject.model_runtime.engine.sampling import Sampler


@dataclass(frozen=True, slots=True)
class StopCriteria:
    """When a reply must end."""

    max_tokens: int
    text_end: int


class Reply:
    """Tokens and text so far. `ended` is None while more is to come; its owner was `told` of it."""

    def __init__(
        self,
        reply_id: int,
        seq: int,
        cause: Cause,
        stop_criteria: StopCriteria,
        tokenizer: Tokenizer | None,
    ) -> None:
        self.reply_id = reply_id
        self.seq = seq
        self.cause = cause
        self.emotion: Emotion | None = None
        self.tokens: list[int] = []
        self.text = ""
        self.ended: EndReason | None = None
        self.told = False
        self._stop_criteria = stop_criteria
        self._detokeniser = Detokeniser(tokenizer)
        self._text_lengths: list[int] = []

    def accept(self, token: int, sampler: Sampler | None = None) -> str:
        """Take the next token; returns the text that it completes and sets `ended` at the end."""
        if token == self._stop_criteria.text_end:
            self.ended = EndReason.COMPLETE
            return self._show(self._detokeniser.finish())
        self.tokens.append(token)
        text = self._show(self._detokeniser.push(token))
        self._text_lengths.append(len(self.text))
        if sampler is not None and sampler.loops(self.tokens):
            self.ended = EndReason.REPETITION
        elif len(self.tokens) >= self._stop_criteria.max_tokens:
            self.ended = EndReason.MAX_TOKENS
        if self.ended is not None:
            text += self._show(self._detokeniser.finish())
        return text

    def snapshot(self) -> ReplySnapshot:
        """All that `resume` needs."""
        return ReplySnapshot(
            self.reply_id, self.seq, self.cause, self.emotion,
            tuple(self.tokens), self.text, self.ended, self.told,
        )  # fmt: skip

    @classmethod
    def resume(
        cls, known: ReplySnapshot, stop_criteria: StopCriteria, tokenizer: Tokenizer | None
    ) -> Reply:
        """The same reply, its tokens spelt anew."""
        reply = cls(known.reply_id, known.seq, known.cause, stop_criteria, tokenizer)
        for token in known.tokens:
            reply.accept(token)
        reply.emotion, reply.text, reply.ended = known.emotion, known.text, known.ended
        reply.told = known.told and known.emotion is not None
        return reply

    def _show(self, text: str) -> str:
        self.text += text
        return text

    def keep_heard(self, chars: int) -> int:
        """Cut to the tokens whose text lies within the first `chars`; returns how many stay."""
        shown = max((length for length in self._text_lengths if length <= chars), default=0)
        kept = self._text_lengths.index(shown) + 1 if shown else 0
        if chars >= len(self.text) > 0:
            kept = len(self.tokens)
        del self.tokens[kept:], self._text_lengths[kept:]
        self.text = self.text[:shown]
        self.ended = EndReason.CANCELLED
        return kept

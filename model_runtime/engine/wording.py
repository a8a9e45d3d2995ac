"""Text as the ids that a model takes, within what fits into a slot."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from interject.model_runtime.engine.feed import Feed
from interject.model_runtime.protocol import RuntimeFailure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.model_runtime.checkpoint import Model
    from interject.model_runtime.protocol import SessionOptions


class Wording:
    """`longest` is how many ids one text may have, and one reply."""

    def __init__(self, model: Model, *, longest: int) -> None:
        self._layout = model.config.layout
        self._tokenizer = model.tokenizer
        self._vocabulary = model.config.decoder.vocabulary
        self._longest = longest

    def prefix(self, options: SessionOptions) -> Feed:
        """What a session begins with.

        :raises RuntimeFailure: when the prompt is too long, or the model cannot read it.
        """
        if options.prompt_ids is not None:
            ids = self._known(options.prompt_ids)
        else:
            ids = self._layout.online_prefix(self.ids(options.system_prompt))
        if len(ids) > self._longest:
            raise RuntimeFailure(
                f"the system prompt has {len(ids)} tokens, this model takes {self._longest}"
            )
        return Feed(tuple(ids))

    def ids(self, text: str) -> list[int]:
        """Of any length; none for no text.

        :raises RuntimeFailure: when the model has no tokenizer.
        """
        if not text:
            return []
        if self._tokenizer is None:
            raise RuntimeFailure(
                "this checkpoint has no tokenizer.json: give token ids (--prompt-ids) or add one"
            )
        return self._layout.text_only(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def short_ids(self, text: str) -> tuple[int, ...]:
        """What is put in while a session runs.

        :raises RuntimeFailure: when there is nothing, or too much.
        """
        ids = tuple(self.ids(text))
        if not ids:
            raise RuntimeFailure("there is no text to put in")
        if len(ids) > self._longest:
            raise RuntimeFailure(
                f"the text has {len(ids)} tokens, this model takes {self._longest} at once"
            )
        return ids

    def bounded(self, options: SessionOptions) -> SessionOptions:
        """A reply that fills its own slot would push out what it answers."""
        return replace(options, max_reply_tokens=min(options.max_reply_tokens, self._longest))

    def _known(self, ids: Sequence[int]) -> list[int]:
        for token in ids:
            if not 0 <= token < self._vocabulary:
                raise RuntimeFailure(f"token id {token} is outside 0..{self._vocabulary - 1}")
        if not ids:
            raise RuntimeFailure("the prompt ids are empty")
        return list(ids)

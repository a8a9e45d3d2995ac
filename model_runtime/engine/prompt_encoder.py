"""Text as the ids that a model takes, within what fits into a slot."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from interject.model_runtime.engine.forward_input import AUDIO, ForwardInput
from interject.model_runtime.protocol import RuntimeFailure, readable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from interject.model_runtime.checkpoint import Model
    from interject.model_runtime.engine.context_budget import ContextBudget
    from interject.model_runtime.protocol import SessionOptions


class PromptEncoder:
    """What does not fit is refused, with a reason."""

    def __init__(self, model: Model, budget: ContextBudget) -> None:
        self._layout = model.config.layout
        self._tokenizer = model.tokenizer
        self._vocabulary = model.config.decoder.vocabulary
        self._tower = model.config.tower
        self._budget = budget

    def prefix(self, options: SessionOptions) -> ForwardInput:
        """What a session begins with.

        :raises RuntimeFailure: when the prompt is too long, or the model cannot read it.
        """
        self._budget.check(self._tower)
        if options.prompt_ids is not None:
            ids = self._known(options.prompt_ids)
        else:
            ids = self._layout.online_prefix(self.ids(options.system_prompt))
        return self._prefix(ids)

    def clip(
        self, options: SessionOptions, question: str, embeddings: Tensor
    ) -> tuple[ForwardInput, ForwardInput]:
        """The prefix, and a clip with a question about it.

        :raises RuntimeFailure: when they leave no room for an answer.
        """
        self._budget.check(self._tower)
        asked = self.ids(readable(question))
        ids = self._layout.offline_prompt(
            self.ids(options.system_prompt), asked, audio_slots=len(embeddings)
        )
        begin = ids.index(self._layout.text_end) + 1
        prefix = self._prefix(ids[:begin])
        room = self._budget.context - self.bounded(options).max_reply_tokens - 1
        if len(ids) > room:
            raise RuntimeFailure(self._excess(len(asked), len(embeddings), room - len(ids)))
        placed = [AUDIO if i == self._layout.offline_audio_slot else i for i in ids[begin:]]
        return prefix, ForwardInput(tuple(placed), (embeddings,), wants_token=True)

    def _excess(self, asked: int, heard: int, free: int) -> str:
        """Whether a question or its clip is at fault; both may be longer where the other is short.

        `free` positions, below 0, would be left.
        """
        if asked > self._budget.text:
            return (
                f"the question has {asked} tokens, this model takes {self._budget.text} beside a "
                "clip; ask in fewer words"
            )
        embedding_s = self._tower.embedding_s
        return (
            f"the clip lasts {heard * embedding_s:.1f} s, this model takes at most "
            f"{max(0, heard + free) * embedding_s:.1f} s at once; cut it into parts"
        )

    def _prefix(self, ids: Sequence[int]) -> ForwardInput:
        if len(ids) > self._budget.span:
            raise RuntimeFailure(
                f"the system prompt has {len(ids)} tokens, this model takes {self._budget.span}"
            )
        return ForwardInput(tuple(ids))

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
        """What is put in while a session runs, without control characters.

        :raises RuntimeFailure: when there is nothing to be seen in it, or too much.
        """
        ids = tuple(self.ids(readable(text)))
        if not ids:
            raise RuntimeFailure("there is no text to put in")
        if len(ids) > self._budget.text:
            raise RuntimeFailure(
                f"the text has {len(ids)} tokens, this model takes {self._budget.text} at once"
            )
        return ids

    def bounded(self, options: SessionOptions) -> SessionOptions:
        """A reply that fills its own slot would push out what it answers."""
        most = min(options.max_reply_tokens, self._budget.text)
        return replace(options, max_reply_tokens=most)

    def _known(self, ids: Sequence[int]) -> list[int]:
        for token in ids:
            if not 0 <= token < self._vocabulary:
                raise RuntimeFailure(f"token id {token} is outside 0..{self._vocabulary - 1}")
        if not ids:
            raise RuntimeFailure("the prompt ids are empty")
        return list(ids)

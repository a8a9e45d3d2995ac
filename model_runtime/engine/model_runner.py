"""What the network computes in a step, for the rows of many sessions at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from interject.model_runtime.engine.faults import check_finite, is_session_fault
from interject.model_runtime.engine.forward import forward
from interject.model_runtime.engine.sampling import TokenMasks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from torch import Tensor

    from interject.model_runtime.checkpoint import Model
    from interject.model_runtime.engine.forward_input import ForwardInput
    from interject.model_runtime.engine.stream import Stream
    from interject.model_runtime.network.kv_cache import KVCache

StepBatch = Sequence[tuple["Stream", "ForwardInput"]]
"""Sessions, and what each is fed in this step."""


class ModelRunner:
    """`isolated` is what one session's part runs in, so that what it causes ends that one."""

    def __init__(
        self,
        model: Model,
        cache: KVCache,
        *,
        isolated: Callable[[Stream], AbstractContextManager[None]],
        clock: Callable[[], float],
    ) -> None:
        self._model = model
        self._cache = cache
        self._isolated = isolated
        self._clock = clock
        layout = model.config.layout
        self._masks = TokenMasks(layout, model.config.decoder.vocabulary, model.device)
        self._decision_ids = torch.tensor(
            [layout.keep_silence, layout.text_begin], device=model.device
        )

    def run(self, batch: StepBatch) -> None:
        """Feed everybody's rows; decide, and draw, where something is to be."""
        batch, hidden = self._fed(batch)
        self._decide(batch, hidden)
        self._draw(batch, hidden)

    def _fed(self, batch: StepBatch) -> tuple[StepBatch, Tensor]:
        """All rows at once. Where that fails, each session's by themselves: whose fault it is ends
        alone. If that is everybody, it is the engine's.
        """
        try:
            return batch, self._hidden(batch)
        except Exception as error:
            if not is_session_fault(error):
                raise
            done = [(one, hidden) for one in batch for hidden in self._hidden_of_one(*one)]
            if not done and len(batch) > 1:
                raise
        hidden = [hidden for _, hidden in done]
        return [one for one, _ in done], torch.cat(hidden) if hidden else torch.empty(0)

    def _hidden(self, batch: StepBatch) -> Tensor:
        return forward(self._model, self._cache, [(s.memory.slot, inputs) for s, inputs in batch])

    def _hidden_of_one(self, stream: Stream, inputs: ForwardInput) -> Iterator[Tensor]:
        with self._isolated(stream):
            yield self._hidden([(stream, inputs)])

    def _decide(self, batch: StepBatch, hidden: Tensor) -> None:
        ends: list[int] = []
        first = 0
        for _, inputs in batch:
            ends += [first + end for end in inputs.block_ends]
            first += len(inputs.ids)
        if not ends:
            return
        pairs = self._model.decoder.logits(hidden[ends], self._decision_ids).float().tolist()
        now = self._clock()
        taken = 0
        for stream, inputs in batch:
            if inputs.block_ends:
                mine = pairs[taken : taken + len(inputs.block_ends)]
                with self._isolated(stream):
                    stream.decided(inputs, mine, now)
                taken += len(inputs.block_ends)

    def _draw(self, batch: StepBatch, hidden: Tensor) -> None:
        drawing: list[tuple[Stream, ForwardInput]] = []
        lasts: list[int] = []
        first = 0
        for stream, inputs in batch:
            first += len(inputs.ids)
            if inputs.wants_token:
                drawing.append((stream, inputs))
                lasts.append(first - 1)
        if not drawing:
            return
        masks = self._masks
        allowed = [masks.emotion if inputs.emotion else masks.text for _, inputs in drawing]
        logits = self._model.decoder.logits(hidden[lasts]).float() + torch.stack(allowed)
        largest = logits.max(-1)
        best, scores = largest.indices.tolist(), largest.values.tolist()
        now = self._clock()
        for (stream, inputs), row, token, score in zip(drawing, logits, best, scores, strict=True):
            greedy = stream.conversation.sampler.greedy or inputs.emotion
            with self._isolated(stream):
                check_finite(score)
                stream.drew(token if greedy else stream.conversation.draw(row), now)

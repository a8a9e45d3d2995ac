"""What the network computes in a step, for the rows of many sessions at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from interject.model_runtime.engine.faults import check_finite, is_session_fault
from interject.model_runtime.engine.forward import Hidden, forward
from interject.model_runtime.engine.sampling import TokenMasks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from torch import Tensor

    from interject.model_runtime.checkpoint import Model
    from interject.model_runtime.engine.forward_input import ForwardInput
    from interject.model_runtime.engine.stream import Stream
    from interject.model_runtime.network.backend import Backend

StepBatch = Sequence[tuple["Stream", "ForwardInput"]]
"""Sessions, and what each is fed in this step."""


class ModelRunner:
    """`isolated` is what one session's part runs in, so that what it causes ends that one."""

    def __init__(
        self,
        model: Model,
        backend: Backend,
        *,
        isolated: Callable[[Stream], AbstractContextManager[None]],
        clock: Callable[[], float],
    ) -> None:
        self._model = model
        self._backend = backend
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
        self._decide(batch, hidden.decisions)
        self._draw(batch, hidden.tokens)

    def _fed(self, batch: StepBatch) -> tuple[StepBatch, Hidden]:
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
        if not done:
            return [], Hidden(torch.empty(0), torch.empty(0))
        decisions, tokens = zip(*(hidden for _, hidden in done), strict=True)
        return [one for one, _ in done], Hidden(torch.cat(decisions), torch.cat(tokens))

    def _hidden(self, batch: StepBatch) -> Hidden:
        return forward(self._backend, [(s.memory.slot, inputs) for s, inputs in batch])

    def _hidden_of_one(self, stream: Stream, inputs: ForwardInput) -> Iterator[Hidden]:
        with self._isolated(stream):
            yield self._hidden([(stream, inputs)])

    def _decide(self, batch: StepBatch, hidden: Tensor) -> None:
        if not len(hidden):
            return
        pairs = self._model.decoder.logits(hidden, self._decision_ids).float().tolist()
        now = self._clock()
        taken = 0
        for stream, inputs in batch:
            if inputs.block_ends:
                mine = pairs[taken : taken + len(inputs.block_ends)]
                with self._isolated(stream):
                    stream.decided(inputs, mine, now)
                taken += len(inputs.block_ends)

    def _draw(self, batch: StepBatch, hidden: Tensor) -> None:
        drawing = [one for one in batch if one[1].wants_token]
        if not drawing:
            return
        masks = self._masks
        allowed = [masks.emotion if inputs.emotion else masks.text for _, inputs in drawing]
        logits = self._model.decoder.logits(hidden).float() + torch.stack(allowed)
        largest = logits.max(-1)
        best, scores = largest.indices.tolist(), largest.values.tolist()
        now = self._clock()
        for (stream, inputs), row, token, score in zip(drawing, logits, best, scores, strict=True):
            greedy = stream.conversation.sampler.greedy or inputs.emotion
            with self._isolated(stream):
                check_finite(score)
                stream.drew(token if greedy else stream.conversation.draw(row), now)

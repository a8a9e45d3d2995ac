"""What the network computes in a step, for the rows of many sessions at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from interject.model_runtime.engine.faults import check_finite, is_session_fault
from interject.model_runtime.engine.forward import Hidden, forward
from interject.model_runtime.engine.sampling import TokenMasks
from interject.model_runtime.engine.token_draw import draw_tokens
from interject.model_runtime.network.transfer import HostCopy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from interject.model_runtime.checkpoint import Model
    from interject.model_runtime.engine.forward_input import ForwardInput
    from interject.model_runtime.engine.stream import Stream
    from interject.model_runtime.engine.stream_table import StreamTable
    from interject.model_runtime.engine.token_draw import TokenDraw
    from interject.model_runtime.network.backend import Backend

StepBatch = Sequence[tuple["Stream", "ForwardInput"]]
"""Sessions, and what each is fed in this step."""


@dataclass(frozen=True, slots=True)
class StepInFlight:
    """What the device computes for `batch`: decisions [D, 2], tokens [T] and their scores [T]."""

    batch: StepBatch
    decisions: HostCopy | None
    drawn: tuple[HostCopy, HostCopy] | None


class ModelRunner:
    """What one session causes ends that one. Nothing but `finish` waits for the device."""

    def __init__(
        self,
        model: Model,
        backend: Backend,
        *,
        streams: StreamTable,
        clock: Callable[[], float],
    ) -> None:
        self._model = model
        self._backend = backend
        self._streams = streams
        self._clock = clock
        layout = model.config.layout
        self._masks = TokenMasks(layout, model.config.decoder.vocabulary, model.device)
        self._decision_ids = torch.tensor(
            [layout.keep_silence, layout.text_begin], device=model.device
        )

    def start(self, batch: StepBatch) -> StepInFlight:
        """Feed everybody's rows; decide, and draw, where something is to be."""
        if not batch:
            return StepInFlight(batch, None, None)
        batch, hidden = self._fed(batch)
        decisions = self._decide(batch, hidden.decisions) if len(hidden.decisions) else None
        drawn = self._draw(batch, hidden.tokens) if len(hidden.tokens) else None
        return StepInFlight(batch, decisions, drawn)

    def finish(self, step: StepInFlight) -> None:
        """Tell the sessions that are still open what came of it."""
        decisions = iter(step.decisions.take().tolist() if step.decisions else ())
        drawn = iter(zip(*(copy.take().tolist() for copy in step.drawn or ()), strict=True))
        now = self._clock()
        for stream, inputs in step.batch:
            pairs = [next(decisions) for _ in inputs.block_ends]
            draw = next(drawn) if inputs.wants_token else None
            if not self._streams.is_open(stream):
                continue
            with self._streams.isolated(stream):
                if pairs:
                    stream.decided(inputs, pairs, now)
                if draw is not None:
                    token, score = draw
                    check_finite(score)
                    stream.drew(token, now)

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
        with self._streams.isolated(stream):
            yield self._hidden([(stream, inputs)])

    def _decide(self, batch: StepBatch, hidden: Tensor) -> HostCopy:
        del batch
        return HostCopy(self._model.decoder.logits(hidden, self._decision_ids).float())

    def _draw(self, batch: StepBatch, hidden: Tensor) -> tuple[HostCopy, HostCopy]:
        drawing = [one for one in batch if one[1].wants_token]
        masks = self._masks
        allowed = [masks.emotion if inputs.emotion else masks.text for _, inputs in drawing]
        logits = self._model.decoder.logits(hidden).float() + torch.stack(allowed)
        draws = [self._token_draw(stream) for stream, _ in drawing]
        drawn = draw_tokens(logits, draws)
        return HostCopy(drawn.ids), HostCopy(drawn.largest)

    def _token_draw(self, stream: Stream) -> TokenDraw | None:
        """None as well for a session that failed to say how: it is closed."""
        draw = None
        with self._streams.isolated(stream):
            draw = stream.conversation.token_draw()
        return draw

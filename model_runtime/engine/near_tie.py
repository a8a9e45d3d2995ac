"""An engine that is told what to choose where rounding decides.

When two scores are as good as each other, rounding decides, which depends on the machine and on
what else is computed at once. Whoever compares two runs has one make the other's choice there, and
only there, and goes on comparing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.engine.model_runner import ModelRunner
from interject.model_runtime.engine.stream import log_odds

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from interject.model_runtime.checkpoint import Model
    from interject.model_runtime.engine.ledger import Eviction
    from interject.model_runtime.engine.model_runner import StepBatch
    from interject.model_runtime.engine.stream import Stream
    from interject.model_runtime.engine.stream_table import StreamTable
    from interject.model_runtime.network.backend import Backend
    from interject.model_runtime.network.transfer import HostCopy

DECISION, EMOTION = "decision", "emotion"
_LEAD = 1 / 16
"""By how much of a near tie what is to be chosen then leads."""

ChoicePoint = tuple[str | int, int]
"""A frame's decision, a reply's emotion, or the token of a reply at a place."""


@dataclass(frozen=True)
class Choice:
    """`chosen` was, and not its `rival`: tokens, or 1 to respond and 0 to stay silent."""

    chosen: int
    rival: int


@dataclass
class Choices:
    """`wanted` are those to be made if their rivals are as good; `made` were."""

    wanted: dict[ChoicePoint, Choice] = field(default_factory=dict)
    made: set[ChoicePoint] = field(default_factory=set)


class GuidedEngine(Engine):
    """`choices` belong to sessions by id; two whose logits differ by less than `tie` are as good.

    Its own choice may be the wanted one: another time, with other rows beside it, it was not.
    """

    def __init__(self, model: Model, *, slots: int, eviction: Eviction, tie: float) -> None:
        self.choices: dict[str, Choices] = {}
        runner = partial(GuidedRunner, choices=self.choices, tie=tie)
        super().__init__(model, slots=slots, eviction=eviction, runner=runner)


class GuidedRunner(ModelRunner):
    """The hidden state of what is to be chosen is moved before it becomes logits."""

    def __init__(
        self,
        model: Model,
        backend: Backend,
        *,
        streams: StreamTable,
        clock: Callable[[], float],
        choices: dict[str, Choices],
        tie: float,
    ) -> None:
        super().__init__(model, backend, streams=streams, clock=clock)
        self._choices = choices
        self._tie = tie

    def _decide(self, batch: StepBatch, hidden: Tensor) -> HostCopy:
        rows = iter(hidden)
        silence, respond = self._decision_ids.tolist()
        for stream, inputs in batch:
            for block, row in zip(range(len(inputs.block_ends)), rows, strict=False):
                point = DECISION, stream.audio.chunks[block].frame.seq
                wanted = self._wanted(stream, point)
                if wanted is not None:
                    margin = log_odds(stream.options.threshold) * (1 if wanted.chosen else -1)
                    tokens = silence, respond
                    of_tokens = Choice(tokens[wanted.chosen], tokens[wanted.rival])
                    self._choose(stream, point, row, of_tokens, margin)
        return super()._decide(batch, hidden)

    def _draw(self, batch: StepBatch, hidden: Tensor) -> tuple[HostCopy, HostCopy]:
        drawing = [one for one in batch if one[1].wants_token]
        for (stream, inputs), row in zip(drawing, hidden, strict=True):
            reply = stream.conversation.reply
            if reply is None:
                continue
            point: ChoicePoint = (reply.reply_id, len(reply.tokens))
            if inputs.emotion:
                point = (EMOTION, reply.reply_id)
            wanted = self._wanted(stream, point)
            if wanted is not None:
                self._choose(stream, point, row, wanted, 0.0)
        return super()._draw(batch, hidden)

    def _wanted(self, stream: Stream, point: ChoicePoint) -> Choice | None:
        return self._choices[stream.options.session_id].wanted.get(point)

    def _choose(
        self, stream: Stream, point: ChoicePoint, row: Tensor, wanted: Choice, margin: float
    ) -> None:
        """Move the hidden state by next to nothing, so that what was chosen leads by `margin`."""
        head = self._model.decoder.head.weight
        towards = head[wanted.chosen] - head[wanted.rival]
        missing = margin - float(row @ towards)
        if abs(missing) < self._tie:
            row += towards * ((missing + self._tie * _LEAD) / float(towards @ towards))
            self._choices[stream.options.session_id].made.add(point)

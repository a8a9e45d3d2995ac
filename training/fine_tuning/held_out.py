"""Streams that are never learnt from: how well are they decided?"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import torch

from interject.training.fine_tuning.control_metrics import (
    ControlMetrics,
    DecidedStream,
    measure,
    missed,
)
from interject.training.sequences.cut import cut_stream, turn_chunk
from interject.training.sequences.packing import pack
from interject.training.sequences.sequence import MASKED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from interject.training.fine_tuning.process_group import ProcessGroup
    from interject.training.fine_tuning.training_data import TrainingData
    from interject.training.sequences.packed_model import PackedModel
    from interject.training.sequences.sequence import Floats, TrainingSequence
    from interject.training.streams.stream import TrainingStream

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HeldOutResult:
    """`text_loss` and `control_loss` are means over what teaches; None: nothing does."""

    text_loss: float | None
    control_loss: float | None
    control: ControlMetrics

    def numbers(self) -> dict[str, float]:
        losses = {"text_loss": self.text_loss, "control_loss": self.control_loss}
        return {k: v for k, v in losses.items() if v is not None} | self.control.numbers()


class HeldOutPart:
    """All processes measure together, each its share: FSDP wants the same passes from each."""

    def __init__(
        self,
        data: TrainingData,
        stream_ids: Sequence[str],
        group: ProcessGroup,
        *,
        streams_a_pass: int,
        threshold: float,
        late_chunks: int,
        respond_token: int,
    ) -> None:
        self.stream_ids = list(stream_ids)
        self._data, self._group = data, group
        self._a_pass, self._threshold = streams_a_pass, threshold
        self._late_chunks, self._respond = late_chunks, respond_token

    def measure(self, model: PackedModel) -> HeldOutResult:
        """Teacher forcing: once as it should be, then what was missed, with nobody replying."""
        with _evaluating(model):
            decided: list[DecidedStream] = []
            sums = [0.0, 0.0, 0.0, 0.0]
            for names, real in self._shares(self.stream_ids):
                sequences = [self._data.sequence(self._data.stream(name)) for name in names]
                odds, losses = self._decide(model, sequences)
                if real:
                    decided += map(self._decided, sequences, odds)
                    sums = [a + b for a, b in zip(sums, losses, strict=True)]
            decided = self._group.gathered(decided)
            late = self._late(model, decided)
        text, control, texts, controls = self._group.sums(sums)
        streams = [replace(s, late=late.get(s.stream_id, {})) for s in decided]
        return HeldOutResult(
            text_loss=text / texts if texts else None,
            control_loss=control / controls if controls else None,
            control=measure(streams, self._threshold),
        )

    def _decided(self, sequence: TrainingSequence, odds: Floats) -> DecidedStream:
        controls = sequence.control_labels[sequence.decision_at]
        wanted = tuple(int(c) for c in (controls == self._respond).nonzero()[0])
        return DecidedStream(sequence.stream_id, odds, wanted, {})

    def _late(
        self, model: PackedModel, decided: Sequence[DecidedStream]
    ) -> dict[str, dict[int, Floats]]:
        """Odds from each missed chunk on, by stream and chunk."""
        misses = [
            (stream.stream_id, chunk)
            for stream in sorted(decided, key=lambda s: s.stream_id)
            for chunk in missed(stream.odds, stream.wanted, self._threshold)
        ]
        found: list[tuple[str, int, Floats]] = []
        for places, real in self._shares(misses):
            streams = [self._unanswered(self._data.stream(n), chunk) for n, chunk in places]
            odds, _ = self._decide(model, [self._data.sequence(s) for s in streams])
            if real:
                found += [(n, c, o[c:]) for (n, c), o in zip(places, odds, strict=True)]
        late: dict[str, dict[int, Floats]] = {}
        for name, chunk, odds_after in self._group.gathered(found):
            late.setdefault(name, {})[chunk] = odds_after
        return late

    def _unanswered(self, stream: TrainingStream, chunk: int) -> TrainingStream:
        """As it goes on when nobody replies at this chunk."""
        earlier = tuple(turn for turn in stream.turns if turn_chunk(turn) < chunk)
        return cut_stream(replace(stream, turns=earlier), chunk + 1 + self._late_chunks)

    def _decide(
        self, model: PackedModel, sequences: Sequence[TrainingSequence]
    ) -> tuple[list[Floats], list[float]]:
        """Each sequence's odds; the sums of both losses, and over how many labels they are."""
        loss = model(pack(sequences))
        counts = [int((s.control_labels != MASKED).sum()) for s in sequences]
        odds = [part.cpu().numpy() for part in loss.odds.split(counts)]
        return odds, [float(loss.text), float(loss.control), loss.text_count, loss.control_count]

    def _shares(self, items: Sequence[T]) -> Iterator[tuple[list[T], bool]]:
        """This process's, some at a time; what is not `real` only keeps step with the others."""
        mine = list(items[self._group.rank :: self._group.world])
        longest = -(-len(items) // self._group.world)
        for first in range(0, longest, self._a_pass):
            part = mine[first : first + self._a_pass]
            yield (part, True) if part else (list(items[:1]), False)


@contextlib.contextmanager
def _evaluating(model: PackedModel) -> Iterator[None]:
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(training)

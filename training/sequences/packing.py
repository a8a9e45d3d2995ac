"""Many sequences in one row, without padding."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from interject.training.sequences.sequence import MASKED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from interject.training.sequences.sequence import TrainingSequence


@dataclass(frozen=True, slots=True)
class PackedBatch:
    """Sequences behind each other: every tensor is int64 [T], `audio_at` as many as
    the decoder reads of the sound.

    `positions` begin at 0 in each. `lengths` say where one ends: attention must not cross that.
    """

    sequences: tuple[TrainingSequence, ...]
    lengths: tuple[int, ...]
    ids: Tensor
    positions: Tensor
    text_labels: Tensor
    control_labels: Tensor
    audio_at: Tensor

    @property
    def stream_ids(self) -> tuple[str, ...]:
        return tuple(sequence.stream_id for sequence in self.sequences)

    @property
    def labelled(self) -> int:
        """How many positions teach something: the N of the loss."""
        return int((self.text_labels != MASKED).sum() + (self.control_labels != MASKED).sum())

    def to(self, device: torch.device) -> PackedBatch:
        """The tensors on a device."""
        return PackedBatch(
            self.sequences,
            self.lengths,
            self.ids.to(device),
            self.positions.to(device),
            self.text_labels.to(device),
            self.control_labels.to(device),
            self.audio_at.to(device),
        )


def pack(sequences: Sequence[TrainingSequence]) -> PackedBatch:
    """:raises ValueError: when there is nothing to pack."""
    if not sequences:
        raise ValueError("there is no sequence to pack")
    lengths = tuple(len(sequence) for sequence in sequences)
    starts = np.cumsum([0, *lengths[:-1]])
    return PackedBatch(
        sequences=tuple(sequences),
        lengths=lengths,
        ids=_joined([s.ids for s in sequences]),
        positions=_joined([np.arange(length) for length in lengths]),
        text_labels=_joined([s.text_labels for s in sequences]),
        control_labels=_joined([s.control_labels for s in sequences]),
        audio_at=_joined([s.audio_at + first for s, first in zip(sequences, starts, strict=True)]),
    )


def balanced(sizes: Sequence[int], bins: int) -> list[list[int]]:
    """Indices of sizes in so many bins of nearly the same sum: the largest first, each into the
    emptiest (Graham 1969). A bin is empty only where there are fewer sizes than bins.
    """
    emptiest = [(0, number) for number in range(bins)]
    chosen: list[list[int]] = [[] for _ in range(bins)]
    for index in sorted(range(len(sizes)), key=lambda i: (-sizes[i], i)):
        total, number = heapq.heappop(emptiest)
        chosen[number].append(index)
        heapq.heappush(emptiest, (total + sizes[index], number))
    return chosen


def _joined(parts: Sequence[np.ndarray[tuple[int], np.dtype[np.int64]]]) -> Tensor:
    return torch.from_numpy(np.concatenate(parts))

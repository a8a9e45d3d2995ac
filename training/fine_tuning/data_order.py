"""Which streams a step takes: a function of seed and step alone, so a run can go on anywhere."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from interject.training.fine_tuning.failure import TrainingFailure
from interject.training.sequences.packing import balanced

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class DataOrder:
    """Epoch after epoch, each in another order; a step may lie in two of them.

    `sizes` are the positions of each stream, about: passes of nearly equal size are made by them.
    """

    def __init__(
        self,
        sizes: Mapping[str, int],
        *,
        seed: int,
        streams_per_step: int,
        streams_per_device: int,
        world: int = 1,
    ) -> None:
        if streams_per_step % world:
            raise TrainingFailure(
                f"streams_per_step {streams_per_step}: cannot be shared by {world} processes; "
                f"use a multiple of {world}"
            )
        self._ids = sorted(sizes)
        self._sizes = sizes
        self._seed, self._world = seed, world
        self._step_streams = streams_per_step
        self._passes = -(-streams_per_step // world // streams_per_device)
        self._epoch = lru_cache(2)(self._shuffled)

    def streams(self, step: int) -> list[str]:
        """Those of a whole step."""
        first = step * self._step_streams
        places = (divmod(n, len(self._ids)) for n in range(first, first + self._step_streams))
        return [self._ids[self._epoch(epoch)[at]] for epoch, at in places]

    def passes(self, step: int, rank: int = 0) -> list[list[str]]:
        """What one process computes at once, one pass after the other."""
        streams = self.streams(step)
        bins = balanced([self._sizes[name] for name in streams], self._world * self._passes)
        mine = bins[rank :: self._world]
        return [[streams[index] for index in sorted(chosen)] for chosen in mine]

    def _shuffled(self, epoch: int) -> Sequence[int]:
        rng = np.random.default_rng((self._seed, epoch))
        return [int(n) for n in rng.permutation(len(self._ids))]


def split_held_out(stream_ids: Sequence[str], share: float) -> tuple[list[str], list[str]]:
    """Those to learn from and those to measure on, by a hash of their names: whatever else is in
    the data, a stream stays nearly always on its side. Both have one at least, where there are two.
    """
    if share <= 0 or len(stream_ids) < 2:
        return sorted(stream_ids), []
    ranked = sorted(stream_ids, key=lambda name: hashlib.sha256(name.encode()).digest())
    count = min(max(1, round(share * len(ranked))), len(ranked) - 1)
    return sorted(ranked[count:]), sorted(ranked[:count])

"""Many voices into one, block by block on the wall clock, with who spoke how loud beside it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from interject.agent.recent_speakers import QUIET_DBFS
from interject.integrations.audio.source_queue import (
    BLOCK_S,
    BLOCK_SAMPLES,
    FULL_SCALE,
    SourceCounts,
    SourceQueue,
)
from interject.model_runtime.protocol import SAMPLE_RATE_HZ, Speaker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

EPSILON_S = 1e-6
STALL_S = 0.05
KNEE = 24_000.0


@dataclass(frozen=True, slots=True)
class MixedBlock:
    """20 ms of the room at 16 kHz; `captured_at` is its first sample on the mixer's clock."""

    samples: NDArray[np.int16] = field(repr=False)
    captured_at: float
    speakers: tuple[Speaker, ...]


@dataclass(frozen=True, slots=True)
class MixerReport:
    """What became of all sources' sound, beside the number of blocks that have left."""

    blocks: int
    counts: SourceCounts


class Mixer:
    """Blocks leave one after another for ever, whoever joins, leaves or falls silent.

    A block leaves once its time is over and every running source has delivered its part, or
    `patience_s` later without the missing part. When nobody has asked for a while (a busy event
    loop), that time runs from the next asking, since the sound waits behind it. While `may_move`
    says no, no source makes up for being late.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        patience_s: float = 0.1,
        may_move: Callable[[], bool] = lambda: True,
    ) -> None:
        self._clock = clock
        self._patience_s = patience_s
        self._may_move = may_move
        self._sources: dict[str, SourceQueue] = {}
        self._counts = SourceCounts()
        self._started_at = self._asked_at = self._woke_at = clock()
        self._excused = -1
        self._blocks = 0

    def begin(self) -> None:
        """The first block begins now."""
        self._started_at = self._asked_at = self._woke_at = self._clock()
        self._blocks = 0

    @property
    def next_due_at(self) -> float:
        """When the next block's time is over."""
        return self._started_at + (self._blocks + 1) * BLOCK_S

    def add(self, key: str, identity: str) -> None:
        """A track appears; the same key again starts it anew."""
        self._sources[key] = SourceQueue(identity, self._patience_s, self._counts, self._may_move)

    def remove(self, key: str) -> None:
        """Nothing of this track is heard from now on, queued sound included."""
        self._sources.pop(key, None)

    def remove_identity(self, identity: str) -> None:
        """The same for everything that a participant sends."""
        for key in [key for key, source in self._sources.items() if source.identity == identity]:
            del self._sources[key]

    def rest(self, key: str) -> None:
        """A track is muted: play what is queued, and do not wait for more."""
        if key in self._sources:
            self._sources[key].running = False

    def push(self, key: str, samples: NDArray[np.int16], missing: int = 0) -> None:
        """Take mono samples at 16 kHz, before which so many are missing. Of a track that was
        removed they are ignored.
        """
        if key in self._sources:
            self._sources[key].push(samples, missing)

    def due(self) -> list[MixedBlock]:
        """Every block that can leave by now, oldest first."""
        blocks = []
        now = self._clock() + EPSILON_S
        if now - self._asked_at > STALL_S and self._excused != self._blocks:
            self._woke_at = now
            self._excused = self._blocks
        self._asked_at = now
        while now >= self.next_due_at and (
            self._complete() or self._waited_s(now) >= self._patience_s
        ):
            blocks.append(self._mix(now))
        return blocks

    def report(self) -> MixerReport:
        return MixerReport(self._blocks, replace(self._counts))

    def _complete(self) -> bool:
        return all(source.complete for source in self._sources.values())

    def _waited_s(self, now: float) -> float:
        return now - max(self.next_due_at, self._woke_at)

    def _mix(self, now: float) -> MixedBlock:
        late = max(0, round(self._waited_s(now) * SAMPLE_RATE_HZ))
        captured_at = self._started_at + self._blocks * BLOCK_S
        self._blocks += 1
        parts = [
            (source.identity, part)
            for source in self._sources.values()
            if len(part := source.take(late))
        ]
        return MixedBlock(_sum(part for _, part in parts), captured_at, _speakers(parts))


def _sum(parts: Iterable[NDArray[np.int16]]) -> NDArray[np.int16]:
    """One voice passes untouched; a sum that is too loud is bent towards full scale."""
    total = np.zeros(BLOCK_SAMPLES, np.float32)
    count = 0
    for part in parts:
        total[: len(part)] += part
        count += 1
    if count > 1 and np.abs(total).max() > KNEE:
        room = FULL_SCALE - 1 - KNEE
        over = np.abs(total) - KNEE
        bent = np.sign(total) * (KNEE + room * np.tanh(over / room))
        total = np.where(over > 0, bent, total)
    return np.rint(total).astype(np.int16)


def _speakers(parts: Iterable[tuple[str, NDArray[np.int16]]]) -> tuple[Speaker, ...]:
    """Loudest first; of a participant's tracks the loudest one counts."""
    levels: dict[str, float] = {}
    for identity, part in parts:
        level = level_dbfs(part)
        if level >= max(QUIET_DBFS, levels.get(identity, -math.inf)):
            levels[identity] = level
    ranked = sorted(levels.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Speaker(identity, round(level, 1)) for identity, level in ranked)


def level_dbfs(samples: NDArray[np.int16]) -> float:
    """Root mean square against full scale; digital silence is minus infinity."""
    if not len(samples):
        return -math.inf
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    return 10 * math.log10(power / FULL_SCALE**2) if power else -math.inf

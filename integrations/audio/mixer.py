"""Many voices into one, block by block on the wall clock, with who spoke how loud beside it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from interject.model_runtime.protocol import SAMPLE_RATE_HZ, Speaker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

BLOCK_SAMPLES = 320
BLOCK_S = BLOCK_SAMPLES / SAMPLE_RATE_HZ
EPSILON_S = 1e-6
STALL_S = 0.05
CATCH_UP_BLOCKS = 50
SLACK_SAMPLES = 320
LATE_SAMPLES = 3_200
"""A delay of 0.2 s is taken back in the middle of a word; a smaller one waits for a pause."""
FULL_SCALE = 32_768.0
KNEE = 24_000.0
QUIET_DBFS = -70.0
"""Below this nobody is said to speak: dither and comfort noise lie here."""


@dataclass(frozen=True, slots=True)
class MixedBlock:
    """20 ms of the room at 16 kHz; `captured_at` is its first sample on the mixer's clock."""

    samples: NDArray[np.int16] = field(repr=False)
    captured_at: float
    speakers: tuple[Speaker, ...]


@dataclass(slots=True)
class _Source:
    """One track. A running source delivers in time; another one is not waited for.

    `least_held` is what was queued at all times of the present second: delay and nothing else.
    """

    identity: str
    held: NDArray[np.int16] = field(default_factory=lambda: np.zeros(0, np.int16))
    running: bool = False
    least_held: int = 0
    blocks: int = 0


@dataclass(frozen=True, slots=True)
class MixerReport:
    """`padded_samples` a running source owed when its block went out; `trimmed_samples` were
    dropped since they came faster than the clock and only made everything after them late."""

    blocks: int
    padded_samples: int
    trimmed_samples: int


class Mixer:
    """Blocks leave one after another for ever, whoever joins, leaves or falls silent.

    A block leaves once its time is over and every running source has delivered its part, or
    `patience_s` later without the missing part. When nobody has asked for a while (a busy event
    loop), that time runs from the next asking, since the sound waits behind it. `most_held_s`
    bounds what a source may queue up; a queue that stays is shortened in the next quiet moment.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        patience_s: float = 0.1,
        most_held_s: float = 0.4,
    ) -> None:
        self._clock = clock
        self._patience_s = patience_s
        self._most_held = round(most_held_s * SAMPLE_RATE_HZ)
        self._sources: dict[str, _Source] = {}
        self._started_at = self._asked_at = clock()
        self._stalled_until = self._started_at
        self._excused = -1
        self._blocks = self._padded = self._trimmed = 0

    def begin(self) -> None:
        """The first block begins now."""
        self._started_at = self._asked_at = self._stalled_until = self._clock()
        self._blocks = 0

    @property
    def next_due_at(self) -> float:
        """When the next block's time is over."""
        return self._started_at + (self._blocks + 1) * BLOCK_S

    def add(self, key: str, identity: str) -> None:
        """A track appears; the same key again starts it anew."""
        self._sources[key] = _Source(identity)

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

    def push(self, key: str, samples: NDArray[np.int16]) -> None:
        """Take mono samples at 16 kHz. Of a track that was removed they are ignored."""
        source = self._sources.get(key)
        if source is None:
            return
        held = np.concatenate((source.held, samples))
        excess = max(0, len(held) - self._most_held)
        self._trimmed += excess
        source.held = held[excess:]
        source.running = True

    def due(self) -> list[MixedBlock]:
        """Every block that can leave by now, oldest first."""
        blocks = []
        now = self._clock() + EPSILON_S
        if now - self._asked_at > STALL_S and self._excused != self._blocks:
            self._stalled_until = now + self._patience_s
            self._excused = self._blocks
        self._asked_at = now
        while now >= self.next_due_at and (self._complete() or self._impatient(now)):
            blocks.append(self._mix())
        return blocks

    def report(self) -> MixerReport:
        return MixerReport(self._blocks, self._padded, self._trimmed)

    def _complete(self) -> bool:
        running = (source for source in self._sources.values() if source.running)
        return all(len(source.held) >= BLOCK_SAMPLES for source in running)

    def _impatient(self, now: float) -> bool:
        return now >= max(self.next_due_at + self._patience_s, self._stalled_until)

    def _mix(self) -> MixedBlock:
        captured_at = self._started_at + self._blocks * BLOCK_S
        self._blocks += 1
        parts = [
            (source.identity, part)
            for source in self._sources.values()
            if len(part := self._take(source))
        ]
        return MixedBlock(_sum(part for _, part in parts), captured_at, _speakers(parts))

    def _take(self, source: _Source) -> NDArray[np.int16]:
        self._catch_up(source)
        part, source.held = source.held[:BLOCK_SAMPLES], source.held[BLOCK_SAMPLES:]
        short = BLOCK_SAMPLES - len(part)
        if short and source.running:
            self._padded += short
            source.running = False
        return part

    def _catch_up(self, source: _Source) -> None:
        """Once a second: take back the delay that a burst has left behind."""
        spare = len(source.held) - BLOCK_SAMPLES
        source.least_held = spare if not source.blocks else min(source.least_held, spare)
        source.blocks += 1
        if source.blocks < CATCH_UP_BLOCKS:
            return
        late = source.least_held - SLACK_SAMPLES
        if late > 0 and (late >= LATE_SAMPLES or level_dbfs(source.held[:late]) < QUIET_DBFS + 20):
            source.held = source.held[late:]
            self._trimmed += late
            source.blocks = 0
        elif late <= 0:
            source.blocks = 0


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

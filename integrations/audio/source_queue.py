"""One source of the mixer: what waits of its sound, and how that makes up for being late."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interject.agent.recent_speakers import QUIET_DBFS
from interject.integrations.audio.hurry import hurried
from interject.model_runtime.protocol import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

BLOCK_SAMPLES = 320
BLOCK_S = BLOCK_SAMPLES / SAMPLE_RATE_HZ
FULL_SCALE = 32_768.0
PAUSE_DBFS = QUIET_DBFS + 20
"""Below this sound may be left out: there is no word in it."""
PAUSE_POWER = (FULL_SCALE * 10 ** (PAUSE_DBFS / 20)) ** 2
GRAIN_SAMPLES = 160
WINDOW_BLOCKS = 50
AIMED_WAIT, MOST_WAIT = 0.4, 0.8
"""Of a block's patience: the rest is for what is still to come."""
MOST_HELD_SAMPLES = 2 * SAMPLE_RATE_HZ
LONGEST_HOLE_SAMPLES = 3_200
"""A longer hole than this and the silence in its place comes from a time stamp that jumped."""
HURRY_SAMPLES = 3_200
HURRY_WINDOWS = 10
HURRY_EVERY = 5
"""One push in so many is made shorter: speech is a tenth faster then."""


@dataclass(slots=True)
class SourceCounts:
    """In samples. `padded` was silence since a source was late, `trimmed` silence that was left
    out and `stretched` silence that was put into pauses; by `hurried` speech was made shorter, and
    `cut` was more than can be held.
    """

    padded: int = 0
    trimmed: int = 0
    stretched: int = 0
    hurried: int = 0
    cut: int = 0


class SourceQueue:
    """A running source delivers in time; another one is not waited for.

    Its margin is how many samples still wait when a block has left, less those that the block had
    to wait. If it is positive all the time, the sound is later than it need be; if it is very
    negative once, some has nearly missed its block: then pauses are made shorter or longer. Without
    a pause for a long time speech becomes a little faster. While `may_move` says no, none of this
    happens: an echo filter knows when to expect what. Silence that stood in for sound that did
    not come is a part of the hole that time stamps tell of afterwards: it is not counted twice.
    """

    def __init__(
        self,
        identity: str,
        patience_s: float,
        counts: SourceCounts,
        may_move: Callable[[], bool] = lambda: True,
    ) -> None:
        self.identity = identity
        self.running = False
        self._patience = round(patience_s * SAMPLE_RATE_HZ)
        self._counts = counts
        self._may_move = may_move
        self._held: NDArray[np.int16] = np.zeros(0, np.int16)
        self._silent = 0
        self._owed = 0
        self._least: float = math.inf
        self._blocks = 0
        self._excused_blocks = 0
        self._spare = 0
        self._late_windows = 0
        self._pushes = 0

    @property
    def complete(self) -> bool:
        """Whether the next block need not wait for it."""
        return not self.running or len(self._held) >= BLOCK_SAMPLES

    def push(self, samples: NDArray[np.int16], missing: int = 0) -> None:
        """`missing` samples before these have been lost, or were never sent."""
        if self._silent and not self.running:
            self._begin_window()
        self._silent, self.running = 0, True
        hole = np.zeros(self._hole(missing) if missing else 0, np.int16)
        held = np.concatenate((self._held, hole, self._in_time(samples)))
        excess = max(0, len(held) - MOST_HELD_SAMPLES)
        self._counts.cut += excess
        self._held = held[excess:]

    def take(self, late: int) -> NDArray[np.int16]:
        """A block's part, or what there is of it, so many samples after the block's time."""
        part, self._held = self._held[:BLOCK_SAMPLES], self._held[BLOCK_SAMPLES:]
        if len(part) < BLOCK_SAMPLES:
            self._run_dry(BLOCK_SAMPLES - len(part))
        else:
            self._follow(len(self._held) - late)
        return part

    def _run_dry(self, short: int) -> None:
        """Who has been silent for as long as a block waits is not waited for any more."""
        self._silent += short
        self._owed += short
        if self.running:
            self._counts.padded += short
            self._least += short
            self.running = self._silent < self._patience

    def _follow(self, margin: int) -> None:
        self._blocks += 1
        if self._excused_blocks:
            self._excused_blocks -= 1
        else:
            self._least = min(self._least, margin)
        if self._blocks >= WINDOW_BLOCKS:
            self._spare = self._too_late()
            self._late_windows = self._late_windows + 1 if self._spare > 0 else 0
            self._owed = 0
            self._begin_window()

    def _too_late(self) -> int:
        """By how much, or if negative how much too early."""
        if GRAIN_SAMPLES < self._least < math.inf or self._least < -MOST_WAIT * self._patience:
            return round(self._least + AIMED_WAIT * self._patience)
        return 0

    def _begin_window(self) -> None:
        self._least, self._blocks = math.inf, 0

    def _hole(self, missing: int) -> int:
        """How much of it is still to be silent. That blocks waited for what was lost proves
        nothing.
        """
        self._excused_blocks = self._patience // BLOCK_SAMPLES
        paid = min(self._owed, missing)
        self._owed -= paid
        self._least -= paid
        hole = missing - paid
        if hole > LONGEST_HOLE_SAMPLES:
            hole = 0
        cut = min(hole, max(0, self._spare)) if self._may_move() else 0
        self._counts.trimmed += cut
        self._moved(-cut)
        return hole - cut

    def _in_time(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        """Shorter where all of it is late, longer where it is nearly missed."""
        if not self._spare or not self._may_move():
            return samples
        whole = len(samples) // GRAIN_SAMPLES
        grains = samples[: whole * GRAIN_SAMPLES].reshape(whole, GRAIN_SAMPLES)
        paused = np.square(grains, dtype=np.float64).mean(axis=1) < PAUSE_POWER
        if self._spare < 0:
            return self._stretched(samples) if paused.any() and paused[0] else samples
        if not paused.any():
            return self._hurried(samples)
        left_out = np.flatnonzero(paused)[: self._spare // GRAIN_SAMPLES]
        self._counts.trimmed += len(left_out) * GRAIN_SAMPLES
        self._moved(-len(left_out) * GRAIN_SAMPLES)
        rest = samples[whole * GRAIN_SAMPLES :]
        return np.concatenate((np.delete(grains, left_out, axis=0).reshape(-1), rest))

    def _stretched(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        added = -self._spare
        self._counts.stretched += added
        self._moved(added)
        return np.concatenate((np.zeros(added, np.int16), samples))

    def _hurried(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        """Without a pause, where it is too late or has been late for too long."""
        self._pushes += 1
        if self._spare < HURRY_SAMPLES and self._late_windows < HURRY_WINDOWS:
            return samples
        if self._pushes % HURRY_EVERY:
            return samples
        shorter = hurried(samples)
        self._counts.hurried += len(samples) - len(shorter)
        self._moved(len(shorter) - len(samples))
        return shorter

    def _moved(self, samples: int) -> None:
        """All that follows is so much later."""
        self._least += samples
        self._spare += samples

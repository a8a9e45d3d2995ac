"""Sound without an end, the same for the same seed. Imports no torch: media processes use it."""

from __future__ import annotations

import numpy as np

from interject.model_runtime.protocol import (
    FRAME_S,
    FRAME_SAMPLES,
    LOOKAHEAD_SAMPLES,
    SAMPLE_RATE_HZ,
    Frame,
)

ROUND_FRAMES = 97


class EndlessSound:
    """Bursts of noise at changing levels; after 39 s they come again."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        count = ROUND_FRAMES * FRAME_SAMPLES
        level = np.repeat(rng.uniform(0.001, 0.3, count // (SAMPLE_RATE_HZ // 10)), 1600)
        sound = (rng.standard_normal(count) * level * 10_000).clip(-32768, 32767)
        self._pcm = np.concatenate([sound, sound[:LOOKAHEAD_SAMPLES]]).astype("<i2")

    def frame(self, index: int, *, seq: int) -> Frame:
        """The frame that is due `index` frames after the beginning, numbered as a session's."""
        start = index % ROUND_FRAMES * FRAME_SAMPLES
        end = start + FRAME_SAMPLES
        ahead = self._pcm[end : end + LOOKAHEAD_SAMPLES]
        return Frame(seq, index * FRAME_S, self._pcm[start:end].tobytes(), ahead.tobytes())

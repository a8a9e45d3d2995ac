"""Speech a little faster at the same pitch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

OVERLAP_SAMPLES = 120
LEAST_SAMPLES = 40
MOST_SAMPLES = 160


def hurried(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    """Shorter by 2.5 to 10 ms at 16 kHz: by the period at which the sound is most like itself.

    Less than 17.5 ms stays as it is.
    """
    if len(samples) < MOST_SAMPLES + OVERLAP_SAMPLES:
        return samples
    sound = samples.astype(np.float64)
    head = sound[:OVERLAP_SAMPLES]
    tails = np.lib.stride_tricks.sliding_window_view(sound, OVERLAP_SAMPLES)
    tails = tails[LEAST_SAMPLES : MOST_SAMPLES + 1]
    likeness = tails @ head / np.sqrt(np.square(tails).sum(axis=1) + 1.0)
    period = LEAST_SAMPLES + int(likeness.argmax())
    fade = np.linspace(1.0, 0.0, OVERLAP_SAMPLES)
    joint = head * fade + sound[period : period + OVERLAP_SAMPLES] * (1.0 - fade)
    joined = np.rint(joint).astype(np.int16)
    return np.concatenate((joined, samples[period + OVERLAP_SAMPLES :]))

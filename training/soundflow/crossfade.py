"""Short sounds made into one without an end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.training.sounds.waves import Wave


@dataclass(frozen=True, slots=True)
class TiledSound:
    """`pieces` are (which of the waves, first sample, one past its last) in their order."""

    wave: Wave
    pieces: tuple[tuple[int, int, int], ...]


def tiled(waves: Sequence[Wave], count: int, fade_samples: int, *, offset: int = 0) -> TiledSound:
    """`count` samples: the waves in turn, from `offset` within the first of them on.

    Each fades into the next by an equal-power crossfade, shorter where a wave is too short for it.
    """
    out = np.zeros(count, np.float32)
    pieces: list[tuple[int, int, int]] = []
    used = [wave for wave in waves if len(wave) > 1]
    if not used or not count:
        return TiledSound(out, ())
    at, turn, before = -(offset % len(used[0])), 0, 0
    while at < count:
        wave = used[turn % len(used)]
        after = min(fade_samples, len(wave) // 2, len(used[(turn + 1) % len(used)]) // 2)
        faded = _faded(wave, before, after)
        first, last = max(0, at), min(count, at + len(wave))
        if first < last:
            out[first:last] += faded[first - at : last - at]
            pieces.append((turn % len(used), first, last))
        at, turn, before = at + len(wave) - after, turn + 1, after
    return TiledSound(out, tuple(pieces))


def _faded(wave: Wave, before: int, after: int) -> Wave:
    faded = wave.astype(np.float32)
    if before:
        faded[:before] *= np.sin(np.linspace(0, np.pi / 2, before, dtype=np.float32))
    if after:
        faded[-after:] *= np.cos(np.linspace(0, np.pi / 2, after, dtype=np.float32))
    return faded

"""A sound as an outline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interject.training.dataset.inspection.markup import element

if TYPE_CHECKING:
    from numpy.typing import NDArray

COLUMNS = 600
HALF = 50
LEAST_PEAK = 0.05
"""Faint sound is drawn larger, but hiss does not fill the picture."""


def waveform(sound: NDArray[np.float32], *, y: float, height: float) -> str:
    """As wide as what it is put into."""
    highest, lowest = _peaks(sound)
    scale = HALF / max(float(np.max(highest)), -float(np.min(lowest)), LEAST_PEAK)
    upper = [f"{n},{HALF - high * scale:.1f}" for n, high in enumerate(highest)]
    lower = [f"{n},{HALF - low * scale:.1f}" for n, low in reversed(list(enumerate(lowest)))]
    outline = element("polygon", points=" ".join(upper + lower), class_="wave")
    return element(
        "svg", outline, x=0, y=y, width="100%", height=height,
        viewBox=f"0 0 {max(len(upper) - 1, 1)} {2 * HALF}", preserveAspectRatio="none",
    )  # fmt: skip


def _peaks(sound: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    starts = np.unique(np.linspace(0, len(sound), COLUMNS, endpoint=False).astype(np.int64))
    return np.maximum.reduceat(sound, starts), np.minimum.reduceat(sound, starts)

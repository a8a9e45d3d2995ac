"""The learning rate: a linear warm-up, then a cosine (Loshchilov and Hutter 2017)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interject.training.fine_tuning.settings import OptimiserSettings


def rate_share(progress: float, settings: OptimiserSettings) -> float:
    """The share of the full rate when a step begins at this `progress`, 0 to 1."""
    warm_up = settings.warm_up_share
    if progress < warm_up:
        return progress / warm_up
    along = min(1.0, (progress - warm_up) / max(1e-9, 1.0 - warm_up))
    cosine = (1.0 + math.cos(math.pi * along)) / 2
    return settings.final_share + (1.0 - settings.final_share) * cosine

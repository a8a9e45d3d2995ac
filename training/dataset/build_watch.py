"""Who looks on while a data set is built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class BuildWatch:
    """Told how far it is: `advanced` by so many streams, so many of them `kept` in finished shards.
    `is_stopped` is asked between two streams.
    """

    advanced: Callable[[int], object] = lambda _count: None
    kept: Callable[[int], object] = lambda _count: None
    told: Callable[[str], object] = lambda _note: None
    is_stopped: Callable[[], bool] = lambda: False


UNWATCHED = BuildWatch()

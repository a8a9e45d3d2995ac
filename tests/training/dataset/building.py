"""A build in a process of its own, to be killed: `FOLDER WORKERS`. Each stream takes a moment."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from interject.training.dataset.build import build
from tests.training.dataset.worlds import TinySource, settings

if TYPE_CHECKING:
    from interject.training.streams.stream import TrainingStream

STREAMS = 40
PAUSE_S = 0.02


@dataclass(frozen=True)
class SlowSource:
    def make(self, number: int, seed: int) -> TrainingStream:
        time.sleep(PAUSE_S)
        return TinySource().make(number, seed)


if __name__ == "__main__":
    build(SlowSource(), settings(STREAMS), Path(sys.argv[1]), workers=int(sys.argv[2]))

"""What a process that answers in real time does about Python's garbage collector."""

from __future__ import annotations

import gc

YOUNG_OBJECTS = 50_000
"""More than a thousand sessions have on their way at once; looked at in a few milliseconds."""


def freeze_heap() -> None:
    """Spare the collector what is there by now, which stays to the end anyway.

    PyTorch brings so many objects that looking at all of them stops a process for 150 ms, every few
    seconds under load. What comes and goes is no garbage either, but Python would look for some
    after every 700 objects. To be called when everything is loaded.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])

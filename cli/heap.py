"""What a process that answers in real time does about Python's garbage collector."""

from __future__ import annotations

import gc


def freeze_heap() -> None:
    """Spare the collector what is there by now, which stays to the end anyway.

    PyTorch brings so many objects that looking at all of them stops a process for 150 ms, every few
    seconds under load. To be called when everything is loaded.
    """
    gc.collect()
    gc.freeze()

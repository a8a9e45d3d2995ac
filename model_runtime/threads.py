"""How many of a machine's cores the model may use."""

from __future__ import annotations

import os

import torch


def cores() -> int:
    """Those that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 2


def leave_a_core() -> None:
    """Keep one core free of PyTorch's threads, for the event loop and whatever else runs.

    Those threads wait for each other in busy loops: one that loses its core for a moment holds all
    of them up, and a decision of 10 ms takes hundreds. `OMP_NUM_THREADS` may ask for fewer still.
    """
    torch.set_num_threads(max(1, min(torch.get_num_threads(), cores() - 1)))


def spare_threads() -> int:
    """How many threads may compute at once, each with as many cores as PyTorch may use."""
    return max(1, cores() // torch.get_num_threads())

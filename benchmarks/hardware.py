"""In words, what the figures were measured on."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import torch

_GIB = 1 << 30


def _cpu_name() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _extensions() -> str:
    """The vector units that decide which of PyTorch's kernels run."""
    cpuinfo = Path("/proc/cpuinfo")
    flags = set(cpuinfo.read_text(encoding="utf-8").split()) if cpuinfo.exists() else set()
    return ", ".join(f for f in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if f in flags)


def _memory_bytes() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def describe(device: torch.device | None = None) -> str:
    """One line: processor, cores, memory, PyTorch, and the GPU where one was used."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    parts = [
        f"{_cpu_name()} ({_extensions()})",
        f"{cores} cores",
        f"{_memory_bytes() / _GIB:.0f} GiB",
        f"{platform.system()}, Python {platform.python_version()}, PyTorch {torch.__version__}",
        f"{torch.get_num_threads()} threads",
    ]
    if device is not None and device.type == "cuda":
        parts.insert(0, torch.cuda.get_device_name(device))
    return ", ".join(parts)

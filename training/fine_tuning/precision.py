"""In which numbers products are computed. Weights, and what is added up in them, stay float32."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from interject.model_runtime.resolved_device import ResolvedDevice

_CPU = Path("/proc/cpuinfo")
_FLAGS = {"avx512_bf16", "amx_bf16"}


def products_dtype(precision: str, resolved: ResolvedDevice) -> torch.dtype | None:
    """None: float32. `auto` takes bfloat16 where the device has instructions for it: twice as fast
    on such a CPU.
    """
    if precision == "float32":
        return None
    if precision == "bfloat16" or resolved.dtype is torch.bfloat16:
        return torch.bfloat16
    return torch.bfloat16 if resolved.card is None and _cpu_has_bfloat16() else None


@cache
def _cpu_has_bfloat16() -> bool:
    return _CPU.is_file() and not _FLAGS.isdisjoint(_CPU.read_text().split())

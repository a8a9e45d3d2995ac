"""The kernels become code for GPUs that are not here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

pytest.importorskip("triton", reason="Triton is not installed here")

from triton.backends.nvidia.compiler import get_ptxas

from benchmarks.kernels import (
    CAPABILITIES,
    E4M3_CAPABILITIES,
    Usage,
    Variant,
    compiled,
    e4m3_variants,
    variants,
)

if TYPE_CHECKING:
    from pathlib import Path

SHARED_KIB = {80: 163, 90: 227, 100: 227}
"""What one program may have there."""
ALL = {variant.name: variant for variant in variants(torch.bfloat16)}
E4M3 = {variant.name: variant for variant in e4m3_variants(torch.bfloat16)}


def _usage(variant: Variant, capability: int) -> Usage:
    try:
        found = get_ptxas(capability).path
    except (AttributeError, RuntimeError) as error:
        pytest.skip(f"no assembler for sm_{capability} comes with Triton here ({error})")
    assert found
    return compiled(variant, capability)


@pytest.fixture(autouse=True)
def _compile_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))


@pytest.mark.parametrize("capability", CAPABILITIES)
@pytest.mark.parametrize("name", [name for name in ALL if name != "attend, chunk"])
def test_nothing_spills_and_shared_memory_suffices(name: str, capability: int) -> None:
    usage = _usage(ALL[name], capability)
    assert usage.spilled_bytes == 0
    assert usage.shared_bytes <= 1024 * SHARED_KIB[capability]


@pytest.mark.parametrize("capability", E4M3_CAPABILITIES)
@pytest.mark.parametrize("name", [name for name in E4M3 if not name.startswith("attend, chunk")])
def test_nothing_spills_over_slots_in_eight_bits(name: str, capability: int) -> None:
    usage = _usage(E4M3[name], capability)
    assert usage.spilled_bytes == 0
    assert usage.shared_bytes <= 1024 * SHARED_KIB[capability]


@pytest.mark.parametrize("split", ["", ", split"])
def test_chunks_over_slots_in_eight_bits_compile(split: str) -> None:
    usage = _usage(E4M3[f"attend, chunk{split}, e4m3 slots"], 90)
    assert usage.shared_bytes <= 1024 * SHARED_KIB[90]


def test_exact_products_compile() -> None:
    split = {variant.name: variant for variant in variants(torch.float32)}["attend, token, split"]
    assert _usage(split, 90).spilled_bytes == 0

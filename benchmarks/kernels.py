"""Registers, spills and shared memory of the GPU's kernels, compiled on a machine without one.

The shapes are those of the released 3B model.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.backends.nvidia.compiler import get_ptxas
from triton.compiler import ASTSource

from benchmarks.hardware import describe
from benchmarks.result import Result, finish, this_command
from interject.model_runtime.network.architecture import DecoderShape, TowerShape
from interject.model_runtime.network.e4m3 import E4M3
from interject.model_runtime.network.kernels import attention, fused, placement
from interject.model_runtime.network.kernels.attention import SPLITS, TileShape
from interject.model_runtime.network.kernels.decoder import tiling

if TYPE_CHECKING:
    from collections.abc import Iterator

CAPABILITIES = (80, 90, 100)
E4M3_CAPABILITIES = (90, 100)
COLUMNS = [
    "kernel", "type", "GPU", "registers", "spilled, bytes", "shared memory, KiB",
    "threads a program",
]  # fmt: skip
NOTE = (
    "Compiled by the ptxas that comes with Triton for A100 (sm_80), H100 and H200 (sm_90) and B200 "
    "(sm_100); nothing was run. Slots in e4m3 need sm_89 or later. A spilled register is one whose "
    "value goes to memory and back."
)
_SHAPE = DecoderShape()
_TRITON_TYPE = {torch.bfloat16: "bf16", torch.float32: "fp32", E4M3: "fp8e4nv"}


@dataclass(frozen=True, slots=True)
class Variant:
    """A kernel as a launch makes it: its arguments' types, its constants, its options."""

    name: str
    kernel: Any
    types: dict[str, str]
    constants: dict[str, object]
    warps: int = 4
    stages: int = 3

    def source(self) -> ASTSource:
        """Pointers and strides are multiples of 16 bytes, as they are in a launch."""
        names = self.kernel.arg_names
        signature = {name: self.types.get(name, "constexpr") for name in names}
        aligned: dict[tuple[int, ...], list[list[object]]] = {
            (names.index(name),): [["tt.divisibility", 16]]
            for name, kind in self.types.items()
            if kind.startswith("*") or name.endswith("stride")
        }
        return ASTSource(self.kernel, signature, constexprs=self.constants, attrs=aligned)


@dataclass(frozen=True, slots=True)
class Usage:
    """What one program of a compiled kernel takes."""

    registers: int
    spilled_bytes: int
    shared_bytes: int


def variants(dtype: torch.dtype) -> Iterator[Variant]:
    """Every kernel of a step at the true widths."""
    kind = _TRITON_TYPE[dtype]
    tiles = tiling(torch.device("cpu"), dtype)
    yield from _slot_variants(dtype, dtype)
    yield _join(tiles.wide, kind)
    for layer in (False, True):
        yield _norm(kind, layer=layer)
    types = {"gate_up": f"*{kind}", "out": f"*{kind}"}
    sizes: dict[str, object] = {"WIDTH": _SHAPE.feed_forward, "BLOCK": fused.SWIGLU_COLUMNS}
    yield Variant("swiglu", fused._swiglu, types, sizes)


def e4m3_variants(dtype: torch.dtype) -> Iterator[Variant]:
    """Those that touch slots, where these are in e4m3."""
    for variant in _slot_variants(dtype, E4M3):
        yield replace(variant, name=f"{variant.name}, e4m3 slots")


def _slot_variants(dtype: torch.dtype, stored: torch.dtype) -> Iterator[Variant]:
    tiles = tiling(torch.device("cpu"), dtype)
    for split in (False, True):
        suffix = ", split" if split else ""
        yield _attend(f"attend, chunk{suffix}", tiles.wide, dtype, stored, split=split)
        yield _attend(f"attend, token{suffix}", tiles.single, dtype, stored, split=split)
    yield _place(dtype, stored)


def _slot_types(dtype: torch.dtype, stored: torch.dtype) -> dict[str, str]:
    """Without scales a launch hands on the slots in their place."""
    held = f"*{_TRITON_TYPE[stored]}"
    scales = held if stored is dtype else "*fp32"
    return {"keys": held, "values": held, "key_scales": scales, "value_scales": scales}


def _heads() -> dict[str, object]:
    fold = _SHAPE.heads // _SHAPE.kv_heads
    columns = attention.head_columns(_SHAPE.head_dim)
    return {
        "KV_HEADS": _SHAPE.kv_heads, "FOLD": fold, "HEAD": _SHAPE.head_dim, "COLUMNS": columns
    }  # fmt: skip


def _attend(
    name: str, tile: TileShape, dtype: torch.dtype, stored: torch.dtype, *, split: bool
) -> Variant:
    kind = _TRITON_TYPE[dtype]
    partial = "*fp32" if split else f"*{kind}"
    types = dict.fromkeys(("qkv", "out"), f"*{kind}") | _slot_types(dtype, stored)
    types |= {"tiles": "*i32", "found": partial, "weights": partial}
    types |= {"row_stride": "i32", "slot_stride": "i32", "scale": "fp32", "splits": "i32"}
    block = attention.folded_rows(tile, _SHAPE.heads // _SHAPE.kv_heads)
    constants = _heads() | {
        "BLOCK": block, "KEYS": tile.keys, "SPLIT": split, "EXACT": dtype == torch.float32,
        "SCALED": stored is not dtype,
    }  # fmt: skip
    return Variant(name, attention._attend, types, constants, tile.warps, tile.stages)


def _join(tile: TileShape, kind: str) -> Variant:
    types = {"tiles": "*i32", "found": "*fp32", "weights": "*fp32", "out": f"*{kind}"}
    block = attention.folded_rows(tile, _SHAPE.heads // _SHAPE.kv_heads)
    sizes = _heads() | {"BLOCK": block, "ROWS": 1, "SPLITS": SPLITS[-1]}
    return Variant("join", attention._join, types, sizes)


def _place(dtype: torch.dtype, stored: torch.dtype) -> Variant:
    types = dict.fromkeys(("qkv", "bias"), f"*{_TRITON_TYPE[dtype]}")
    types |= _slot_types(dtype, stored)
    types |= {"places": "*i32", "cosines": "*fp32", "sines": "*fp32", "slot_stride": "i32"}
    half, heads = _SHAPE.head_dim // 2, _SHAPE.heads + 2 * _SHAPE.kv_heads
    sizes: dict[str, object] = {
        "HEADS": _SHAPE.heads, "KV_HEADS": _SHAPE.kv_heads, "HALF": half,
        "HEADS_PADDED": triton.next_power_of_2(heads), "HALF_PADDED": half,
        "SCALED": stored is not dtype,
    }  # fmt: skip
    return Variant("place", placement._place, types, sizes)


def _norm(kind: str, *, layer: bool) -> Variant:
    types = dict.fromkeys(("x", "added", "weight", "bias", "out"), f"*{kind}")
    types["eps"] = "fp32"
    width = TowerShape().width if layer else _SHAPE.width
    block = triton.next_power_of_2(width)
    sizes: dict[str, object] = {"WIDTH": width, "BLOCK": block, "ADD": True, "LAYER": layer}
    name = "add and LayerNorm" if layer else "add and RMSNorm"
    return Variant(name, fused._add_norm, types, sizes)


def compiled(variant: Variant, capability: int) -> Usage:
    """Compile for a GPU of this capability, which need not be there.

    :raises RuntimeError: with what the assembler says.
    """
    target = GPUTarget("cuda", capability, 32)
    options = {"num_warps": variant.warps, "num_stages": variant.stages}
    binary = triton.compile(variant.source(), target=target, options=options)
    with tempfile.TemporaryDirectory() as folder:
        code = Path(folder) / "kernel.ptx"
        code.write_text(binary.asm["ptx"], encoding="utf-8")
        name = re.search(r"^\.target (\w+)", binary.asm["ptx"], re.MULTILINE)
        assert name is not None
        done = subprocess.run(
            [get_ptxas(capability).path, "-v", f"-arch={name[1]}", code, "-o", os.devnull],
            capture_output=True, text=True,
        )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    registers = re.search(r"Used (\d+) registers", done.stderr)
    spilled = re.search(r"(\d+) bytes spill stores", done.stderr)
    assert registers is not None, done.stderr
    assert spilled is not None, done.stderr
    return Usage(int(registers[1]), int(spilled[1]), binary.metadata.shared)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="one kernel; the table is not kept")
    arguments = parser.parse_args()
    kinds = (torch.bfloat16,) if arguments.smoke else (torch.bfloat16, torch.float32)
    rows = []
    for dtype in kinds:
        every: list[tuple[Variant, tuple[int, ...]]] = [
            (variant, CAPABILITIES) for variant in variants(dtype)
        ]
        every += [(variant, E4M3_CAPABILITIES) for variant in e4m3_variants(dtype)]
        for variant, capabilities in every[-1:] if arguments.smoke else every:
            for capability in capabilities:
                usage = compiled(variant, capability)
                rows.append(
                    [
                        variant.name, _TRITON_TYPE[dtype], f"sm_{capability}",
                        str(usage.registers), str(usage.spilled_bytes),
                        f"{usage.shared_bytes / 1024:.1f}", str(32 * variant.warps),
                    ]
                )  # fmt: skip
                print("  ".join(rows[-1]), flush=True)
    finish(
        Result(
            name="kernels",
            title="The GPU's kernels, compiled",
            command=this_command("kernels"),
            hardware=f"{describe()}, Triton {triton.__version__}",
            columns=COLUMNS,
            rows=rows,
            notes=[NOTE],
        ),
        keep=not arguments.smoke,
    )


if __name__ == "__main__":
    main()

"""The decoder over the rows of one step, with what stands between its products fused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from interject.model_runtime.network.decoder import rotary_angles
from interject.model_runtime.network.kernels.attention import SPLITS, TileShape, attend, split_count
from interject.model_runtime.network.kernels.fused import add_norm, swiglu
from interject.model_runtime.network.kernels.placement import place

if TYPE_CHECKING:
    from torch import Tensor

    from interject.model_runtime.network.decoder import Decoder, DecoderLayer
    from interject.model_runtime.network.kernels.step_tables import StepTables
    from interject.model_runtime.network.kv_cache import KVCache


@dataclass(frozen=True, slots=True)
class Tiling:
    """`programs` of each kind are wanted at once: where there are fewer tiles, slots are split."""

    wide: TileShape
    single: TileShape
    wide_programs: int
    single_programs: int


def tiling(device: torch.device, dtype: torch.dtype) -> Tiling:
    """For 16 bits what a prototype of these kernels measured as fastest on an H200.

    Exact products of float32 run on no tensor core, and large tiles of them spill registers.
    """
    processors = 1
    if device.type == "cuda":
        processors = torch.cuda.get_device_properties(device).multi_processor_count
    if dtype == torch.float32:
        wide, single = TileShape(4, 16, 8, 2), TileShape(1, 16, 4, 2)
    else:
        wide, single = TileShape(16, 64, 8, 3), TileShape(1, 64, 4, 3)
    return Tiling(wide, single, processors, 2 * processors)


class FusedDecoder:
    """On the weights of a decoder and the slots of a cache, both on one device."""

    def __init__(self, decoder: Decoder, cache: KVCache, tiling: Tiling) -> None:
        self._decoder = decoder
        self._shape = decoder.shape
        self._cache = cache
        self._tiling = tiling
        positions = torch.arange(cache.context, device=cache.keys.device)
        angles = rotary_angles(positions, decoder.shape)
        self._cosines, self._sines = angles.cos(), angles.sin()

    def compile(self) -> None:
        """Launch attention with padding alone, split in every way: no step has to wait for it."""
        shape, keys, values = self._shape, self._cache.keys[0], self._cache.values[0]
        dtype, scales = self._cache.dtype, self._cache.scales_of(0)
        heads = shape.heads + 2 * shape.kv_heads
        qkv = keys.new_empty((1, heads, shape.head_dim), dtype=dtype)
        out = keys.new_empty((1, shape.heads, shape.head_dim), dtype=dtype)
        padding = torch.zeros((1, 4), dtype=torch.int32, device=keys.device)
        for tile in (self._tiling.wide, self._tiling.single):
            for splits in SPLITS:
                attend(qkv, keys, values, padding, out, shape=tile, splits=splits, scales=scales)

    @property
    def tile_rows(self) -> int:
        """Of one session, in a wide tile."""
        return self._tiling.wide.rows

    def __call__(self, rows: Tensor, tables: StepTables) -> Tensor:
        """Rows [R, width], which it changes -> normed hidden states of those that are wanted."""
        layers, eps = self._decoder.blocks, self._shape.norm_eps
        following = [layer.attention_norm for layer in layers[1:]] + [self._decoder.norm]
        x, last = rows, len(layers) - 1
        normed = add_norm(x, None, layers[0].attention_norm.weight, eps=eps)
        for index, (layer, norm) in enumerate(zip(layers, following, strict=True)):
            qkv = self._place(index, layer, normed, tables)
            if index == last and not len(tables.wanted):
                return x[:0]
            mixed = self._attend(index, qkv, tables)
            if index == last:
                x, mixed = x[tables.wanted], mixed[tables.wanted]
            normed = add_norm(x, layer.out(mixed), layer.feed_norm.weight, eps=eps)
            fed = layer.down(swiglu(layer.gate_up(normed)))
            normed = add_norm(x, fed, norm.weight, eps=eps)
        return normed

    def _place(self, index: int, layer: DecoderLayer, x: Tensor, tables: StepTables) -> Tensor:
        """Keys and values of all rows are in their slots before any row looks there."""
        qkv = functional.linear(x, layer.qkv.weight)
        qkv = qkv.view(len(x), -1, self._shape.head_dim)
        place(
            qkv,
            layer.qkv.bias,
            self._cache.keys[index],
            self._cache.values[index],
            places=tables.places,
            cosines=self._cosines,
            sines=self._sines,
            scales=self._cache.scales_of(index),
        )
        return qkv

    def _attend(self, index: int, qkv: Tensor, tables: StepTables) -> Tensor:
        """-> [R, heads * head_dim]."""
        keys, values, tiling = self._cache.keys[index], self._cache.values[index], self._tiling
        scales = self._cache.scales_of(index)
        out = qkv.new_empty((len(qkv), self._shape.heads, self._shape.head_dim))
        for tiles, shape, programs in (
            (tables.wide, tiling.wide, tiling.wide_programs),
            (tables.single, tiling.single, tiling.single_programs),
        ):
            if len(tiles):
                splits = split_count(len(tiles) * self._shape.kv_heads, programs)
                attend(
                    qkv, keys, values, tiles, out, shape=shape, splits=splits, scales=scales
                )  # fmt: skip
        return out.flatten(1)

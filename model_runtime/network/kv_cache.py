"""The memory of every session: fixed slots of keys and values, one a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from interject.model_runtime.network.decoder import rotary_angles, rotate
from interject.model_runtime.network.e4m3 import E4M3, dequantize, quantize
from interject.model_runtime.network.transfer import to_device

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from interject.model_runtime.network.architecture import DecoderShape
    from interject.model_runtime.network.attention import Segment


class KVCache:
    """Keys and values, each [layers, slots, context, kv_heads, head_dim].

    A slot's first `lengths[slot]` positions are filled; what lies behind is masked. It must be
    finite all the same: attention multiplies masked values by zero.

    `dtype` is that of the rows; `stored` may be e4m3 instead. Then `scales`, float32 [layers, 2,
    slots, context, kv_heads], belong to the keys and the values.
    """

    def __init__(
        self,
        shape: DecoderShape,
        slots: int,
        *,
        dtype: torch.dtype = torch.float32,
        stored: torch.dtype | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        self.shape = shape
        self.dtype = dtype
        self.lengths = [0] * slots
        size = (shape.layers, slots, shape.context, shape.kv_heads, shape.head_dim)
        self.keys = torch.zeros(size, dtype=stored or dtype, device=device)
        self.values = torch.zeros_like(self.keys)
        self.scales: Tensor | None = None
        if stored is E4M3:
            self.scales = torch.zeros((size[0], 2, *size[1:-1]), device=device)
        self._free = list(range(slots - 1, -1, -1))

    @property
    def context(self) -> int:
        """Positions in a slot."""
        return self.shape.context

    @property
    def free_slots(self) -> int:
        """Slots that no session holds."""
        return len(self._free)

    def allocate(self) -> int | None:
        """Reserve an empty slot, or say that there is none."""
        if not self._free:
            return None
        slot = self._free.pop()
        self.lengths[slot] = 0
        return slot

    def free(self, slot: int) -> None:
        """Free a slot. What its session left there, maybe an overflow, is nothing to the next."""
        assert slot not in self._free, f"slot {slot} was freed twice"
        self.lengths[slot] = 0
        self.clear(slot)
        self._free.append(slot)

    def clear(self, slot: int) -> None:
        """Zeros, and no scale that is none."""
        _bits(self.keys)[:, slot] = 0
        _bits(self.values)[:, slot] = 0
        if self.scales is not None:
            self.scales[:, :, slot] = 0.0

    def scales_of(self, layer: int) -> Tensor | None:
        """[2, slots, context, kv_heads], if there are any."""
        return None if self.scales is None else self.scales[layer]

    def write(self, layer: int, places: Tensor, k: Tensor, v: Tensor) -> None:
        """Rows [R, kv_heads, head_dim] to `places`, int64: slot * context + position."""
        for index, (held, rows) in enumerate(((self.keys, k), (self.values, v))):
            if self.scales is None:
                new = rows.to(held.dtype)
            else:
                new, scales = quantize(rows)
                self.scales[layer, index].flatten(0, 1).index_copy_(0, places, scales)
            _bits(held)[layer].flatten(0, 1).index_copy_(0, places, _bits(new))

    def read(
        self, layer: int, slots: slice | Tensor, length: int, dtype: torch.dtype
    ) -> tuple[Tensor, Tensor]:
        """Keys and values of the first positions, each [slots, length, kv_heads, head_dim]."""
        if self.scales is None:
            keys, values = (held[layer][slots, :length] for held in (self.keys, self.values))
            return keys.to(dtype), values.to(dtype)
        keys, values = (
            dequantize(_bits(held)[layer][slots, :length].view(E4M3), scales[slots, :length], dtype)
            for held, scales in zip((self.keys, self.values), self.scales[layer], strict=True)
        )
        return keys, values

    def require_room(self, segments: Sequence[Segment]) -> None:
        """A row beyond a slot's end would be another slot's first."""
        for segment in segments:
            assert segment.end <= self.context, (
                f"slot {segment.slot} has {self.context} positions, {segment.end} are needed"
            )

    def truncate(self, slot: int, length: int) -> None:
        """Forget everything from position `length` on."""
        assert 0 <= length <= self.lengths[slot], (
            f"slot {slot} holds {self.lengths[slot]} positions, cannot keep {length}"
        )
        self.lengths[slot] = length

    def keep(self, slot: int, positions: Tensor) -> None:
        """Keep only `positions`, moved together, their keys turned to match.

        They rise, and lie on the host: int64.

        Rotary rotations add up, so turning a cached key by the difference of its positions gives
        the key that the new position would have had in the same state (Xiao et al. 2023,
        "Efficient Streaming Language Models with Attention Sinks").
        """
        count = len(positions)
        moved = torch.arange(count) - positions
        stay = int((moved == 0).sum())
        positions, moved = (to_device(t, self.keys.device) for t in (positions, moved))
        angles = rotary_angles(moved[stay:], self.shape)[:, None, :]
        keys = _bits(self.keys)[:, slot, positions[stay:]].view(self.keys.dtype)
        kept = slice(stay, count)
        if self.scales is None:
            turned = rotate(keys.float(), angles.cos(), angles.sin()).to(self.keys.dtype)
        else:
            held = self.scales[:, :, slot]
            old = dequantize(keys, held[:, 0, positions[stay:]], torch.float32)
            turned, held[:, 0, kept] = quantize(rotate(old, angles.cos(), angles.sin()))
            held[:, 1, kept] = held[:, 1, positions[stay:]]
        _bits(self.keys)[:, slot, kept] = _bits(turned)
        values = _bits(self.values)[:, slot]
        values[:, kept] = values[:, positions[stay:]]
        self.lengths[slot] = count


def _bits(numbers: Tensor) -> Tensor:
    """PyTorch cannot copy chosen rows of e4m3, but of bytes."""
    return numbers.view(torch.uint8) if numbers.dtype is E4M3 else numbers

"""The memory of every session: fixed slots of keys and values, one a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from interject.model_runtime.network.decoder import rotary_angles, rotate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from interject.model_runtime.network.architecture import DecoderShape
    from interject.model_runtime.network.attention import Segment


class KVCache:
    """Keys and values, each [layers, slots, context, kv_heads, head_dim].

    A slot's first `lengths[slot]` positions are filled; what lies behind is masked. It must be
    finite all the same: attention multiplies masked values by zero.
    """

    def __init__(
        self,
        shape: DecoderShape,
        slots: int,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        self.shape = shape
        self.lengths = [0] * slots
        size = (shape.layers, slots, shape.context, shape.kv_heads, shape.head_dim)
        self.keys = torch.zeros(size, dtype=dtype, device=device)
        self.values = torch.zeros(size, dtype=dtype, device=device)
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
        self.keys[:, slot] = 0.0
        self.values[:, slot] = 0.0
        self._free.append(slot)

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
        """Keep only `positions` (rising, int64), moved together, their keys turned to match.

        Rotary rotations add up, so turning a cached key by the difference of its positions gives
        the key that the new position would have had in the same state (Xiao et al. 2023,
        "Efficient Streaming Language Models with Attention Sinks").
        """
        positions = positions.to(self.keys.device)
        count = len(positions)
        moved = torch.arange(count, device=positions.device) - positions
        stay = int((moved == 0).sum())
        angles = rotary_angles(moved[stay:], self.shape)[:, None, :]
        keys = self.keys[:, slot, positions[stay:]].float()
        self.keys[:, slot, stay:count] = rotate(keys, angles.cos(), angles.sin()).to(
            self.keys.dtype
        )
        self.values[:, slot, stay:count] = self.values[:, slot, positions[stay:]]
        self.lengths[slot] = count

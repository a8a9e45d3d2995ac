"""Attention of one mixed step: segments of rows, each over its own slot.

Query heads that share a key-value head are folded into rows, so keys and values are read once and
never repeated (grouped-query attention, Ainslie et al. 2023).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from interject.model_runtime.network.kv_cache import KVCache


@dataclass(frozen=True, slots=True)
class Segment:
    """`length` consecutive new rows of a session, the first at position `start` of `slot`."""

    slot: int
    start: int
    length: int

    @property
    def end(self) -> int:
        """One past the last position."""
        return self.start + self.length


@dataclass(frozen=True, slots=True)
class _Group:
    """Segments that are attended in one call: rows `first` .. of equal segments in a batch."""

    rows: slice
    segments: tuple[Segment, ...]
    mask: Tensor | None


class SlotAttention:
    """Writes the new rows' keys and values into the slots, then attends.

    On a GPU, neighbouring segments of equal length share one call over gathered slots; on a CPU
    each segment reads its slot in place, which copies nothing and computes no padding.
    """

    def __init__(self, cache: KVCache, segments: Sequence[Segment]) -> None:
        cache.require_room(segments)
        self._cache = cache
        device = cache.keys.device
        self.positions = torch.cat([torch.arange(s.start, s.end, device=device) for s in segments])
        offsets = torch.tensor([s.slot * cache.context for s in segments], device=device)
        lengths = torch.tensor([s.length for s in segments], device=device)
        self._flat = self.positions + offsets.repeat_interleave(lengths)
        self._fold = cache.shape.heads // cache.shape.kv_heads
        self._groups = self._plan(segments, batched=device.type == "cuda")

    def _plan(self, segments: Sequence[Segment], *, batched: bool) -> list[_Group]:
        groups: list[_Group] = []
        first = 0
        for index, run in groupby(
            enumerate(segments), key=lambda item: item[1].length if batched else -item[0] - 1
        ):
            del index
            members = tuple(segment for _, segment in run)
            rows = sum(s.length for s in members)
            groups.append(_Group(slice(first, first + rows), members, self._mask(members)))
            first += rows
        return groups

    def _mask(self, members: tuple[Segment, ...]) -> Tensor | None:
        """0 where a row may look, else -inf, [segments, 1, fold * length, longest]; None: all 0.

        A mask of booleans would be turned into this in each layer anew.
        """
        length, longest = members[0].length, max(s.end for s in members)
        if length == 1 and len(members) == 1:
            return None
        device = self._cache.keys.device
        starts = torch.tensor([s.start for s in members], device=device)
        last_seen = starts[:, None] + torch.arange(length, device=device)
        hidden = torch.arange(longest, device=device) > last_seen[:, :, None]
        mask = torch.zeros(hidden.shape, dtype=self._cache.dtype, device=device)
        return mask.masked_fill_(hidden, -torch.inf).repeat(1, self._fold, 1)[:, None]

    def write(self, layer: int, k: Tensor, v: Tensor) -> None:
        """Each [R, kv_heads, head_dim], into the slots."""
        self._cache.write(layer, self._flat, k, v)

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """q [R, heads, head_dim], k and v [R, kv_heads, head_dim] -> [R, heads, head_dim]."""
        self.write(layer, k, v)
        mixed = torch.empty_like(q)
        for group in self._groups:
            mixed[group.rows] = self._attend_group(group, layer, q[group.rows])
        return mixed

    def _attend_group(self, group: _Group, layer: int, q: Tensor) -> Tensor:
        members = group.segments
        longest = max(s.end for s in members)
        if len(members) == 1:
            slots: slice | Tensor = slice(members[0].slot, members[0].slot + 1)
        else:
            slots = torch.tensor([s.slot for s in members], device=q.device)
        keys, values = self._cache.read(layer, slots, longest, q.dtype)
        batch, length, kv_heads = len(members), members[0].length, keys.shape[-2]
        folded = (
            q.reshape(batch, length, kv_heads, self._fold, -1)
            .permute(0, 2, 3, 1, 4)
            .reshape(batch, kv_heads, self._fold * length, -1)
        )
        out = functional.scaled_dot_product_attention(
            folded,
            keys.transpose(1, 2),
            values.transpose(1, 2),
            attn_mask=group.mask,
        )
        unfolded = out.reshape(batch, kv_heads, self._fold, length, -1).permute(0, 3, 1, 2, 4)
        return unfolded.reshape(batch * length, kv_heads * self._fold, -1)

"""Which rows of a step are whose, as its kernels read it: sent to the device in one go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from interject.model_runtime.network.transfer import to_device

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from interject.model_runtime.network.attention import Segment

Tile = tuple[int, int, int, int]
"""First row in the step, slot, position of that row, rows."""


@dataclass(frozen=True, slots=True)
class StepTables:
    """`wide` tiles take several rows of a session, `single` ones a row each: int32 [tiles, 4].

    `places` are the slot and the position of each row, int32 [R, 2]; `wanted`, int32, the rows that
    are read in the end. The kernels' tables begin at multiples of 16 bytes: for others Triton would
    compile a kernel of its own.
    """

    wide: Tensor
    single: Tensor
    places: Tensor
    wanted: Tensor


def step_tables(
    segments: Sequence[Segment], wanted: Sequence[int], *, tile_rows: int, device: torch.device
) -> StepTables:
    """Rows lie in the order of their segments. A long segment is several tiles of one slot."""
    wide, single = _tiles(segments, tile_rows)
    whose = np.array([(s.slot, s.start, s.length) for s in segments], np.int32).reshape(-1, 3)
    slots, starts, lengths = whose.T
    firsts = np.cumsum(lengths) - lengths
    positions = np.arange(lengths.sum()) + np.repeat(starts - firsts, lengths)
    places = np.stack((np.repeat(slots, lengths), positions), 1)
    parts = [np.array(part, np.int32).ravel() for part in (wide, single, places, wanted)]
    there = to_device(torch.from_numpy(np.concatenate(parts)), device)
    tables = there.split([part.size for part in parts])
    return StepTables(
        tables[0].view(-1, 4), tables[1].view(-1, 4), tables[2].view(-1, 2), tables[3]
    )  # fmt: skip


def _tiles(segments: Sequence[Segment], tile_rows: int) -> tuple[list[Tile], list[Tile]]:
    wide: list[Tile] = []
    single: list[Tile] = []
    first = 0
    for segment in segments:
        for done in range(0, segment.length, tile_rows):
            rows = min(tile_rows, segment.length - done)
            tiles = single if segment.length == 1 else wide
            tiles.append((first + done, segment.slot, segment.start + done, rows))
        first += segment.length
    return wide, single

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

    @classmethod
    def within(cls, numbers: Tensor, size: StepSize) -> StepTables:
        """Views of int32 [size.numbers]."""
        parts = numbers.split(size.parts)
        return cls(parts[0].view(-1, 4), parts[1].view(-1, 4), parts[2].view(-1, 2), parts[3])


@dataclass(frozen=True, slots=True)
class StepSize:
    """How much of each there is in a step."""

    wide: int
    single: int
    rows: int
    wanted: int

    @property
    def parts(self) -> tuple[int, int, int, int]:
        """Numbers in each table."""
        return 4 * self.wide, 4 * self.single, 2 * self.rows, self.wanted

    @property
    def numbers(self) -> int:
        """In all of them."""
        return sum(self.parts)

    def holds(self, other: StepSize) -> bool:
        """Whether the other step fits into it, with padding."""
        return (
            self.wide >= other.wide
            and self.single >= other.single
            and self.rows >= other.rows
            and self.wanted >= other.wanted
        )


class HostTables:
    """The same on the host, as rows of several sessions are put together."""

    def __init__(
        self, segments: Sequence[Segment], wanted: Sequence[int], *, tile_rows: int
    ) -> None:
        """Rows lie in the order of their segments. A long segment is several tiles of one slot."""
        wide, single = _tiles(segments, tile_rows)
        whose = np.array([(s.slot, s.start, s.length) for s in segments], np.int32).reshape(-1, 3)
        slots, starts, lengths = whose.T
        firsts = np.cumsum(lengths) - lengths
        positions = np.arange(lengths.sum()) + np.repeat(starts - firsts, lengths)
        places = np.stack((np.repeat(slots, lengths), positions), 1)
        self._parts = [np.array(part, np.int32).ravel() for part in (wide, single, places, wanted)]
        self.size = StepSize(len(wide), len(single), len(places), len(wanted))

    def numbers(self, size: StepSize) -> Tensor:
        """All tables in a row, int32 [size.numbers]. Padding is tiles of no rows, rows at no
        position, and row 0 once more where rows are wanted.
        """
        filled = np.zeros(size.numbers, np.int32)
        begin = 0
        for part, room, padding in zip(self._parts, size.parts, (0, 0, -1, 0), strict=True):
            filled[begin : begin + len(part)] = part
            filled[begin + len(part) : begin + room] = padding
            begin += room
        return torch.from_numpy(filled)

    def on(self, device: torch.device) -> StepTables:
        """As they are."""
        return StepTables.within(to_device(self.numbers(self.size), device), self.size)


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

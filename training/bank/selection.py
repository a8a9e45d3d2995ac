"""Which clips go into a bank that cannot hold all: of each kind a share, of each group as many."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import TYPE_CHECKING

from interject.training.bank.adpcm import BLOCK_BYTES, blocks_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

OVERHEAD_BYTES = 260
"""Of a clip: its line in the index."""
_BLOCK_HEAD_BYTES = 3


@dataclass(frozen=True, slots=True)
class PackableClip:
    """A clip that may be packed. Clips of one `group` take the place of each other."""

    name: str
    group: str
    samples: int

    @property
    def size_bytes(self) -> int:
        return blocks_of(self.samples) * (BLOCK_BYTES + _BLOCK_HEAD_BYTES) + OVERHEAD_BYTES


@dataclass(frozen=True, slots=True)
class Share:
    """Candidates that may fill `part` of a bank, and what others leave free."""

    candidates: Sequence[PackableClip]
    part: float


def select(shares: Sequence[Share], limit_bytes: int) -> list[set[str]]:
    """The names to pack of each share. What one does not need goes to the first that needs it."""
    chosen = [_fill(share.candidates, int(share.part * limit_bytes)) for share in shares]
    for number, share in enumerate(shares):
        free = limit_bytes - sum(_size(kept) for kept in chosen)
        chosen[number] = _fill(share.candidates, _size(chosen[number]) + free)
    return [{clip.name for clip in kept} for kept in chosen]


def _fill(candidates: Iterable[PackableClip], limit_bytes: int) -> list[PackableClip]:
    """One of each group, then another of each; what is too long is passed over."""
    groups: dict[str, list[PackableClip]] = {}
    for clip in sorted(candidates, key=lambda clip: _digest(clip.name)):
        groups.setdefault(clip.group, []).append(clip)
    kept, used = [], 0
    for clip in chain.from_iterable(zip_longest(*(groups[name] for name in sorted(groups)))):
        if clip is not None and used + clip.size_bytes <= limit_bytes:
            kept.append(clip)
            used += clip.size_bytes
    return kept


def _size(clips: Iterable[PackableClip]) -> int:
    return sum(clip.size_bytes for clip in clips)


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()

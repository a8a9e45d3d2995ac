"""The two tiers: one clip, or several of a kind joined to one stream."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from interject.training.sound_benchmark.clips import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.training.sound_benchmark.clips import BenchmarkClip, SoundLabel

LEAST_JOINED, MOST_JOINED = 2, 10


class Tier(StrEnum):
    """How many clips a stream holds."""

    SINGLE = "single"
    MULTIPLE = "multiple"


@dataclass(frozen=True, slots=True)
class BenchmarkItem:
    """What is played as one stream, and what is right to do. The first clip names it."""

    tier: Tier
    clips: tuple[BenchmarkClip, ...]

    @property
    def item_id(self) -> str:
        return self.clips[0].clip_id

    @property
    def domain(self) -> str:
        return self.clips[0].domain

    @property
    def label(self) -> SoundLabel:
        return self.clips[0].label


def single_items(clips: Sequence[BenchmarkClip]) -> list[BenchmarkItem]:
    return [BenchmarkItem(Tier.SINGLE, (clip,)) for clip in clips]


def multiple_items(
    clips: Sequence[BenchmarkClip], *, joined: int, seed: int
) -> list[BenchmarkItem]:
    """One stream a clip: it and `joined` - 1 others of its subfolder and label, in random order.

    The published manifest and seeds are not known. That always staying silent scores the same in
    both published tiers says that a stream has one label and each clip one stream. Where a
    subfolder has too few, the others come from its domain, and no clip is there twice in a stream
    unless the whole domain has too few.

    :raises BenchmarkError: when `joined` is no number of clips to join.
    """
    if not LEAST_JOINED <= joined <= MOST_JOINED:
        raise BenchmarkError(
            f"{joined} clips cannot be joined: it must be {LEAST_JOINED} to {MOST_JOINED}"
        )
    near: dict[object, list[BenchmarkClip]] = defaultdict(list)
    for clip in clips:
        near[clip.domain, clip.label].append(clip)
        near[clip.domain, clip.subfolder, clip.label].append(clip)
    items = []
    for clip in clips:
        rng = random.Random(f"{seed}/{clip.clip_id}")
        groups = (near[clip.domain, clip.subfolder, clip.label], near[clip.domain, clip.label])
        others = _others(clip, groups, joined - 1, rng)
        # The first names the item; its place in the stream is drawn by `played`.
        items.append(BenchmarkItem(Tier.MULTIPLE, (clip, *others)))
    return items


def played(item: BenchmarkItem, seed: int) -> tuple[BenchmarkClip, ...]:
    """An item's clips in the order in which they are heard."""
    order = list(item.clips)
    random.Random(f"{seed}/{item.item_id}/order").shuffle(order)
    return tuple(order)


def _others(
    clip: BenchmarkClip,
    groups: Sequence[Sequence[BenchmarkClip]],
    count: int,
    rng: random.Random,
) -> list[BenchmarkClip]:
    taken: list[BenchmarkClip] = []
    for group in groups:
        free = [other for other in group if other is not clip and other not in taken]
        taken += rng.sample(free, min(count - len(taken), len(free)))
    while len(taken) < count:
        taken.append(rng.choice(groups[-1]))
    return taken

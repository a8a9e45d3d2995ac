"""A data set in a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interject.training.dataset.manifest import Manifest


def summary(manifest: Manifest) -> str:
    total = manifest.total
    discarded = sum(total.discarded.values())
    left_out = f", {discarded} discarded" if discarded else ""
    return (
        f"{total.streams} streams{left_out}, {total.hours:.2f} h, {total.turns} turns, "
        f"{total.replies} replies, {len(manifest.shards)} shards"
    )

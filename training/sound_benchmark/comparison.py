"""Which differences between two runs on the same items are beyond noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.training.sound_benchmark.bootstrap import estimate
from interject.training.sound_benchmark.clips import BenchmarkError
from interject.training.sound_benchmark.report import shown
from interject.training.sound_benchmark.scoring import ALL_DOMAINS, CELLS, FIGURES, cells_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from interject.training.sound_benchmark.bootstrap import Counts, Estimate
    from interject.training.sound_benchmark.report import SoundReport
    from interject.training.sound_benchmark.scoring import Figure, ItemVerdict
    from interject.training.sound_benchmark.tiers import Tier

COMPARED = ("accuracy", "balanced_accuracy", "respond_recall", "ignore_specificity")
# An item has one label, and each of the two runs was right or wrong about it.
_PAIRS = tuple(f"{cell}/{other}" for cell in CELLS for other in ("right", "wrong"))


@dataclass(frozen=True, slots=True)
class Difference:
    """The second run's figure less the first's."""

    tier: Tier
    domain: str
    figure: str
    items: int
    change: Estimate

    @property
    def beyond_noise(self) -> bool:
        low, high = self.change.low, self.change.high
        return low is not None and high is not None and (low > 0 or high < 0)


def compare(first: SoundReport, second: SoundReport) -> list[Difference]:
    """Each figure of each tier that both have, over all items and by domain.

    The runs heard the same items, so items are drawn in pairs: what both find hard is no noise.

    :raises BenchmarkError: when they did not.
    """
    tiers = [tier for tier in first.tiers() if tier in second.tiers()]
    if not tiers:
        raise BenchmarkError("the two reports have no tier in common")
    found = []
    for tier in tiers:
        pairs = _paired(first, second, tier)
        domains = sorted({one.domain for one, _ in pairs})
        for domain in (ALL_DOMAINS, *domains):
            part = [pair for pair in pairs if domain in (ALL_DOMAINS, pair[0].domain)]
            found += [_difference(tier, domain, name, part, first.seed) for name in COMPARED]
    return found


def comparison_table(differences: Sequence[Difference]) -> list[str]:
    """The lines of a Markdown table; in per cent."""
    lines = [
        "| tier | domain | items | figure | change | beyond noise |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for each in differences:
        figure = each.figure.replace("_", " ")
        beyond = "yes" if each.beyond_noise else "no"
        lines.append(
            f"| {each.tier} | {each.domain} | {each.items} | {figure} | {shown(each.change)} "
            f"| {beyond} |"
        )
    return lines


def _paired(
    first: SoundReport, second: SoundReport, tier: Tier
) -> list[tuple[ItemVerdict, ItemVerdict]]:
    ours = {item.id: item for item in first.items if item.tier is tier}
    theirs = {item.id: item for item in second.items if item.tier is tier}
    if ours.keys() != theirs.keys():
        lone = sorted(ours.keys() ^ theirs.keys())
        raise BenchmarkError(
            f"the reports hold different items in the tier {tier}: {lone[0]!r} is in one only "
            f"({len(lone)} such)"
        )
    for name, item in ours.items():
        other = theirs[name]
        if (item.label, item.domain, item.clips) != (other.label, other.domain, other.clips):
            raise BenchmarkError(
                f"the item {name!r} of the tier {tier} is not the same in both reports; run both "
                "with the same folder, --joined and --seed"
            )
    return [(item.verdict(), theirs[name].verdict()) for name, item in ours.items()]


def _difference(
    tier: Tier, domain: str, name: str, pairs: Sequence[tuple[ItemVerdict, ItemVerdict]], seed: int
) -> Difference:
    cells = cells_of((_pair(one, other) for one, other in pairs), _PAIRS)
    change = estimate(cells, _change(FIGURES[name]), seed=seed)
    return Difference(tier, domain, name, len(pairs), change)


def _pair(one: ItemVerdict, other: ItemVerdict) -> str:
    return f"{one.cell}/{'right' if other.right else 'wrong'}"


def _change(figure: Figure) -> Figure:
    def change(counts: Counts) -> NDArray[np.float64]:
        first = {cell: counts[f"{cell}/right"] + counts[f"{cell}/wrong"] for cell in CELLS}
        second = {
            f"{label}_{outcome}": counts[f"{label}_right/{outcome}"]
            + counts[f"{label}_wrong/{outcome}"]
            for label in ("respond", "ignore")
            for outcome in ("right", "wrong")
        }
        difference: NDArray[np.float64] = figure(second) - figure(first)
        return difference

    return change

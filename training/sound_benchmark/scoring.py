"""How often a model did what is right, and how that compares with never and always speaking.

Every item is in the denominator: one that was not heard to its end, or on which the model
responded without a word, is wrong whatever its label is.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from interject.training.sound_benchmark.bootstrap import estimate
from interject.training.sound_benchmark.clips import SoundLabel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from interject.training.sound_benchmark.bootstrap import Counts, Estimate

    Figure = Callable[[Counts], NDArray[np.float64]]

CELLS = ("respond_right", "respond_wrong", "ignore_right", "ignore_wrong")
ALL_DOMAINS = "all"


class ItemOutcome(StrEnum):
    """What a model did. `UNPARSED` responded without a word; `MISSING` was not heard or decided;
    `WRONG_WORDS` responded with none of the right answers, where they are held against each other.
    """

    RESPOND = "RESPOND"
    IGNORE = "IGNORE"
    UNPARSED = "UNPARSED"
    MISSING = "MISSING"
    WRONG_WORDS = "WRONG_WORDS"


@dataclass(frozen=True, slots=True)
class ItemVerdict:
    """One item's label and outcome."""

    item_id: str
    domain: str
    label: SoundLabel
    outcome: ItemOutcome

    @property
    def right(self) -> bool:
        return self.outcome.value == self.label.value

    @property
    def cell(self) -> str:
        return f"{self.label.lower()}_{'right' if self.right else 'wrong'}"


@dataclass(frozen=True, slots=True)
class DomainScore:
    """Figures of one domain, or of all. The last two are shares that are right without hearing."""

    domain: str
    items: int
    to_respond: int
    unparsed: int
    missing: int
    accuracy: Estimate
    balanced_accuracy: Estimate
    respond_recall: Estimate
    ignore_specificity: Estimate
    above_silence: Estimate
    always_silent: float
    always_speak: float


def score(verdicts: Sequence[ItemVerdict], *, seed: int) -> list[DomainScore]:
    """All items first, then each domain by its name. Averages are weighted by item."""
    domains = sorted({verdict.domain for verdict in verdicts})
    parts = [(ALL_DOMAINS, list(verdicts))]
    parts += [(name, [v for v in verdicts if v.domain == name]) for name in domains]
    return [_scored(name, part, seed) for name, part in parts]


def cells_of(names: Iterable[str], among: Sequence[str] = CELLS) -> dict[str, int]:
    counted = Counter(names)
    return {cell: counted[cell] for cell in among}


def respond_recall(counts: Counts) -> NDArray[np.float64]:
    return _share(counts["respond_right"], counts["respond_wrong"])


def ignore_specificity(counts: Counts) -> NDArray[np.float64]:
    return _share(counts["ignore_right"], counts["ignore_wrong"])


def accuracy(counts: Counts) -> NDArray[np.float64]:
    right = counts["respond_right"] + counts["ignore_right"]
    return _share(right, counts["respond_wrong"] + counts["ignore_wrong"])


def balanced_accuracy(counts: Counts) -> NDArray[np.float64]:
    both: NDArray[np.float64] = (respond_recall(counts) + ignore_specificity(counts)) / 2
    return both


def above_silence(counts: Counts) -> NDArray[np.float64]:
    """Accuracy less that of a model that never speaks, on the same items."""
    silent = _share(
        counts["ignore_right"] + counts["ignore_wrong"],
        counts["respond_right"] + counts["respond_wrong"],
    )
    above: NDArray[np.float64] = accuracy(counts) - silent
    return above


FIGURES: dict[str, Figure] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "respond_recall": respond_recall,
    "ignore_specificity": ignore_specificity,
    "above_silence": above_silence,
}


def _share(some: NDArray[np.int64], rest: NDArray[np.int64]) -> NDArray[np.float64]:
    share: NDArray[np.float64] = some / (some + rest)
    return share


def _scored(domain: str, verdicts: Sequence[ItemVerdict], seed: int) -> DomainScore:
    cells = cells_of(verdict.cell for verdict in verdicts)
    outcomes = Counter(verdict.outcome for verdict in verdicts)
    wanted = sum(verdict.label is SoundLabel.RESPOND for verdict in verdicts)
    return DomainScore(
        domain=domain,
        items=len(verdicts),
        to_respond=wanted,
        unparsed=outcomes[ItemOutcome.UNPARSED],
        missing=outcomes[ItemOutcome.MISSING],
        **{name: estimate(cells, figure, seed=seed) for name, figure in FIGURES.items()},
        always_silent=1 - wanted / len(verdicts),
        always_speak=wanted / len(verdicts),
    )

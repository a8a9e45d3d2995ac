"""Whether a response says what should be said: published as `after_semantic`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from interject.training.sound_benchmark.clips import SoundLabel
from interject.training.sound_benchmark.scoring import ItemOutcome, score

if TYPE_CHECKING:
    from interject.training.sound_benchmark.report import ReportedItem, SoundReport
    from interject.training.sound_benchmark.scoring import DomainScore, ItemVerdict
    from interject.training.sound_benchmark.tiers import Tier

LEAST_SCORE = 0.5
"""Published: a reply is right above it."""


def is_scored(item: ReportedItem) -> bool:
    """Only a response that is right has words to hold against the standard answers."""
    return item.label is SoundLabel.RESPOND and item.outcome is ItemOutcome.RESPOND


def semantic_scores(report: SoundReport, tier: Tier) -> list[DomainScore]:
    """As `score`, with a response that says something else counted as wrong."""
    verdicts = [_verdict(item) for item in report.items if item.tier is tier]
    return score(verdicts, seed=report.seed)


def _verdict(item: ReportedItem) -> ItemVerdict:
    verdict = item.verdict()
    if is_scored(item) and (item.semantic is None or item.semantic <= LEAST_SCORE):
        return replace(verdict, outcome=ItemOutcome.WRONG_WORDS)
    return verdict

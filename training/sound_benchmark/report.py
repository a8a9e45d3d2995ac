"""A run of the benchmark as a file that can be read again, and as a page for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from interject.config.strict import StrictModel
from interject.training.sound_benchmark.clips import SoundLabel
from interject.training.sound_benchmark.report_file import read_report_file
from interject.training.sound_benchmark.scoring import ItemOutcome, ItemVerdict, score
from interject.training.sound_benchmark.semantic import LEAST_SCORE, semantic_scores
from interject.training.sound_benchmark.tiers import Tier

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from interject.training.sound_benchmark.bootstrap import Estimate
    from interject.training.sound_benchmark.scoring import DomainScore

MOST_REPORT_BYTES = 64_000_000
COLUMNS = (
    "domain", "items", "to respond", "accuracy", "balanced accuracy", "RESPOND recall",
    "IGNORE specificity", "above always silent", "always silent", "always speak", "unparsed",
    "missing",
)  # fmt: skip

_Share = Annotated[float, Field(ge=0, le=1)]


class ReportedItem(StrictModel):
    """What became of one stream. `chunk` is the one after which the model responded, from 0.

    `semantic` is the best score of its reply against the standard answers, where it has one.
    """

    id: str
    tier: Tier
    domain: str
    label: SoundLabel
    outcome: ItemOutcome
    clips: tuple[str, ...]
    chunks: int = Field(ge=0)
    chunk: int | None
    most_p_respond: _Share | None
    reply: str
    problem: str = ""
    semantic: _Share | None = None

    def verdict(self) -> ItemVerdict:
        return ItemVerdict(self.id, self.domain, self.label, self.outcome)


class SoundReport(StrictModel):
    """All that is needed to score a run again, and to run it again. `tail_s`: silence behind.

    `reranker`: the model that held replies against standard answers; empty: none did.
    """

    format: Literal["interject-sounds-1"] = "interject-sounds-1"
    interject: str
    folder: str
    runtime: str
    system_prompt: str
    threshold: _Share
    joined: int
    seed: int
    tail_s: float = Field(ge=0)
    reranker: str = ""
    items: tuple[ReportedItem, ...] = Field(min_length=1)

    def tiers(self) -> list[Tier]:
        return [tier for tier in Tier if any(item.tier is tier for item in self.items)]

    def verdicts(self, tier: Tier) -> list[ItemVerdict]:
        return [item.verdict() for item in self.items if item.tier is tier]


def read_report(path: Path) -> SoundReport:
    """:raises BenchmarkError: when it is no report; the line names the file and the field."""
    return read_report_file(
        path, SoundReport, "interject eval sounds", most_bytes=MOST_REPORT_BYTES
    )


def page(report: SoundReport) -> str:
    """Markdown: how it was made, then a table a tier."""
    lines = [
        "# Proactive-Sound-Bench",
        "",
        f"- folder: `{report.folder}`",
        f"- runtime: `{report.runtime}`, threshold {report.threshold:g}",
        f"- silence behind each stream: {report.tail_s:g} s; seed {report.seed}",
        "- in brackets: 95 % intervals, by drawing the items again",
    ]
    for tier in report.tiers():
        lines += ["", f"## {tier.capitalize()}{_joined(report, tier)}", ""]
        scores = score(report.verdicts(tier), seed=report.seed)
        lines += [*score_table(scores), "", verdict(scores[0])]
        if report.reranker:
            lines += ["", *_semantic_lines(report, tier)]
    return "\n".join(lines) + "\n"


def _semantic_lines(report: SoundReport, tier: Tier) -> list[str]:
    rows = [
        ("domain", "accuracy", "RESPOND recall", "balanced accuracy"),
        ("---",) * 4,
        *(
            (each.domain, shown(each.accuracy), shown(each.respond_recall),
             shown(each.balanced_accuracy))
            for each in semantic_scores(report, tier)
        ),
    ]  # fmt: skip
    said = f"With the words that are right, too (`{report.reranker}`, above {LEAST_SCORE:g}):"
    return [said, "", *(f"| {' | '.join(row)} |" for row in rows)]


def score_table(scores: Sequence[DomainScore]) -> list[str]:
    """The lines of a Markdown table; shares in per cent."""
    rows = [COLUMNS, ("---",) * len(COLUMNS), *(_row(each) for each in scores)]
    return [f"| {' | '.join(row)} |" for row in rows]


def verdict(overall: DomainScore) -> str:
    """Whether the run says more than silence would have, in one sentence."""
    above = overall.above_silence
    if above.low is not None and above.low > 0:
        return "Better than never speaking, beyond noise."
    if above.high is not None and above.high < 0:
        return "Worse than never speaking, beyond noise."
    return "Not to be told from never speaking: the difference is within noise."


def _row(each: DomainScore) -> tuple[str, ...]:
    return (
        each.domain, str(each.items), str(each.to_respond), shown(each.accuracy),
        shown(each.balanced_accuracy), shown(each.respond_recall), shown(each.ignore_specificity),
        shown(each.above_silence), f"{100 * each.always_silent:.1f}",
        f"{100 * each.always_speak:.1f}", str(each.unparsed), str(each.missing),
    )  # fmt: skip


def shown(figure: Estimate) -> str:
    """In per cent, with its interval."""
    if figure.value is None or figure.low is None or figure.high is None:
        return "-"
    return f"{100 * figure.value:.1f} [{100 * figure.low:.1f}, {100 * figure.high:.1f}]"


def _joined(report: SoundReport, tier: Tier) -> str:
    return f" ({report.joined} clips joined)" if tier is Tier.MULTIPLE else ""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.training.sound_benchmark.bootstrap import estimate
from interject.training.sound_benchmark.clips import BenchmarkError, SoundLabel
from interject.training.sound_benchmark.comparison import compare, comparison_table
from interject.training.sound_benchmark.report import (
    ReportedItem,
    SoundReport,
    page,
    read_report,
    verdict,
)
from interject.training.sound_benchmark.scoring import ItemOutcome, ItemVerdict, accuracy, score
from interject.training.sound_benchmark.tiers import Tier

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

R, I = SoundLabel.RESPOND, SoundLabel.IGNORE  # noqa: E741
DID_R, DID_I = ItemOutcome.RESPOND, ItemOutcome.IGNORE


def verdicts(
    *groups: tuple[SoundLabel, ItemOutcome, int], domain: str = "Daily"
) -> list[ItemVerdict]:
    numbered = [(label, outcome) for label, outcome, count in groups for _ in range(count)]
    return [ItemVerdict(f"{domain}{n}", domain, *pair) for n, pair in enumerate(numbered)]


def test_figures_of_a_test_counted_by_hand() -> None:
    (overall, daily) = score(
        verdicts((R, DID_R, 3), (R, DID_I, 1), (I, DID_I, 4), (I, DID_R, 2)), seed=0
    )
    assert (overall.domain, daily.domain) == ("all", "Daily")
    assert (overall.items, overall.to_respond) == (10, 4)
    assert overall.accuracy.value == pytest.approx(0.7)
    assert overall.respond_recall.value == pytest.approx(3 / 4)
    assert overall.ignore_specificity.value == pytest.approx(4 / 6)
    assert overall.balanced_accuracy.value == pytest.approx((3 / 4 + 4 / 6) / 2)
    assert overall.above_silence.value == pytest.approx(0.1)
    assert (overall.always_silent, overall.always_speak) == (0.6, 0.4)


def test_what_was_not_parsed_or_not_heard_is_wrong_and_stays_in_the_denominator() -> None:
    given = verdicts(
        (R, DID_R, 1), (R, ItemOutcome.UNPARSED, 1), (R, ItemOutcome.MISSING, 1),
        (I, DID_I, 1), (I, ItemOutcome.UNPARSED, 1), (I, ItemOutcome.MISSING, 1),
    )  # fmt: skip
    overall = score(given, seed=0)[0]
    assert overall.items == 6
    assert overall.accuracy.value == pytest.approx(2 / 6)
    assert overall.respond_recall.value == overall.ignore_specificity.value == pytest.approx(1 / 3)
    assert (overall.unparsed, overall.missing) == (2, 2)


def test_the_published_share_of_silence_is_no_achievement() -> None:
    """644 clips, 377 to ignore: 61.2 % is not to be told from never speaking (58.5 %)."""
    near = verdicts((R, DID_R, 100), (R, DID_I, 167), (I, DID_I, 294), (I, DID_R, 83))
    overall = score(near, seed=0)[0]
    assert overall.accuracy.value == pytest.approx(0.612, abs=5e-4)
    assert overall.always_silent == pytest.approx(0.5854, abs=5e-5)
    assert overall.accuracy.low is not None
    assert overall.accuracy.value is not None
    assert overall.accuracy.value - overall.accuracy.low == pytest.approx(0.038, abs=0.003)
    assert "within noise" in verdict(overall)
    better = verdicts((R, DID_R, 200), (R, DID_I, 67), (I, DID_I, 300), (I, DID_R, 77))
    assert "Better than never speaking" in verdict(score(better, seed=0)[0])
    worse = verdicts((R, DID_R, 267), (I, DID_R, 377))
    assert "Worse than never speaking" in verdict(score(worse, seed=0)[0])


def test_a_domain_without_one_label_has_no_figure_of_it() -> None:
    overall = score(verdicts((R, DID_R, 3)), seed=0)[0]
    assert overall.ignore_specificity.value is overall.balanced_accuracy.value is None
    assert overall.respond_recall.value == 1.0


def test_an_interval_is_that_of_items_drawn_one_by_one() -> None:
    right = np.array([True] * 30 + [False] * 20)
    rng = np.random.default_rng(3)
    drawn = right[rng.integers(0, 50, size=(10_000, 50))].mean(axis=1)
    cells = {"respond_right": 30, "respond_wrong": 20, "ignore_right": 0, "ignore_wrong": 0}
    found = estimate(cells, accuracy, seed=1)
    assert (found.low, found.high) == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.021)
    assert found == estimate(cells, accuracy, seed=1)


def report(given: Sequence[ItemVerdict], tier: Tier = Tier.SINGLE) -> SoundReport:
    items = tuple(
        ReportedItem(
            id=v.item_id, tier=tier, domain=v.domain, label=v.label, outcome=v.outcome,
            clips=(v.item_id,), chunks=3, chunk=None, most_p_respond=0.25, reply="",
        )
        for v in given
    )  # fmt: skip
    return SoundReport(
        interject="0", folder="clips", runtime="embedded:nano", system_prompt="Help.",
        threshold=0.5, joined=3, seed=0, tail_s=0.4, items=items,
    )  # fmt: skip


def test_a_report_survives_being_written(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    written = report(verdicts((R, DID_R, 2), (I, DID_I, 1)))
    path.write_text(written.model_dump_json())
    assert read_report(path) == written


def test_the_page_has_a_table_a_tier_with_every_domain() -> None:
    given = [*verdicts((R, DID_R, 2), (I, DID_I, 3)), *verdicts((R, DID_I, 2), domain="Music")]
    text = page(report(given))
    assert "## Single" in text
    assert "| all | 7 | 4 | 71.4 [" in text
    assert "| Music | 2 | 2 | 0.0 [0.0, 0.0] | - | 0.0 [0.0, 0.0] | - |" in text
    assert "Multiple" not in text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "report.json: is no report"),
        ('{"format": "other"}', "format: "),
        ("[1]", "is no report"),
        (None, "report.json: cannot be read"),
    ],
)
def test_what_is_no_report_is_one_clear_line(tmp_path: Path, text: str | None, told: str) -> None:
    path = tmp_path / "report.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(BenchmarkError, match=told) as caught:
        read_report(path)
    assert "\n" not in str(caught.value)


def test_a_report_with_an_unknown_outcome_names_the_field(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    text = report(verdicts((R, DID_R, 2))).model_dump_json()
    path.write_text(text.replace('"outcome":"RESPOND"', '"outcome":"PERHAPS"', 1))
    with pytest.raises(BenchmarkError, match=r"items\.0\.outcome"):
        read_report(path)


def change(first: Sequence[ItemVerdict], second: Sequence[ItemVerdict]) -> dict[str, object]:
    found = compare(report(first), report(second))
    return {
        each.figure: (each.change.value or 0.0, each.beyond_noise)
        for each in found
        if each.domain == "all"
    }


def test_a_large_difference_is_told_from_noise_and_a_small_one_is_not() -> None:
    first = verdicts((R, DID_I, 40), (R, DID_R, 20), (I, DID_I, 60))
    large = verdicts((R, DID_R, 40), (R, DID_R, 20), (I, DID_I, 60))
    small = verdicts((R, DID_R, 1), (R, DID_I, 39), (R, DID_R, 20), (I, DID_I, 60))
    assert change(first, large)["accuracy"] == (pytest.approx(1 / 3), True)
    assert change(first, large)["ignore_specificity"] == (0.0, False)
    assert change(first, small)["accuracy"] == (pytest.approx(1 / 120), False)
    back = change(large, first)["balanced_accuracy"]
    assert back == (pytest.approx(-1 / 3), True)


def test_items_are_compared_in_pairs() -> None:
    """Nine items more, and none less: beyond noise, though each run's own interval is wide."""
    first = verdicts((R, DID_R, 25), (R, DID_I, 9), (R, DID_I, 26), (I, DID_I, 60))
    second = verdicts((R, DID_R, 25), (R, DID_R, 9), (R, DID_I, 26), (I, DID_I, 60))
    assert change(first, second)["accuracy"] == (pytest.approx(9 / 120), True)
    alone = score(first, seed=0)[0].accuracy
    assert alone.high is not None
    assert alone.high > (score(second, seed=0)[0].accuracy.value or 0)


def test_reports_on_other_items_are_refused() -> None:
    one = report(verdicts((R, DID_R, 2)))
    more = report(verdicts((R, DID_R, 3)))
    with pytest.raises(BenchmarkError, match="different items in the tier single: 'Daily2'"):
        compare(one, more)
    with pytest.raises(BenchmarkError, match="no tier in common"):
        compare(one, report(verdicts((R, DID_R, 2)), Tier.MULTIPLE))
    joined_else = one.model_copy(
        update={"items": tuple(i.model_copy(update={"clips": ("x",)}) for i in one.items)}
    )
    with pytest.raises(BenchmarkError, match="is not the same in both reports"):
        compare(one, joined_else)


def test_the_table_names_each_difference() -> None:
    one = report(verdicts((R, DID_R, 2), (I, DID_R, 2)))
    lines = comparison_table(compare(one, one))
    assert len(lines) == 2 + 2 * 4
    assert lines[2] == "| single | all | 4 | accuracy | 0.0 [0.0, 0.0] | no |"

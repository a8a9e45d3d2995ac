from __future__ import annotations

import pytest

from interject.training.sound_benchmark.bootstrap import Estimate, wilson


@pytest.mark.parametrize(
    ("found", "among", "low", "high"),
    [
        (0, 10, 0.0, 0.2775),
        (5, 10, 0.2366, 0.7634),
        (10, 10, 0.7225, 1.0),
        (81, 263, 0.2553, 0.3662),
    ],
)
def test_wilson_as_tables_have_it(found: int, among: int, low: float, high: float) -> None:
    estimate = wilson(found, among)
    assert estimate.value == found / among
    assert estimate.low == pytest.approx(low, abs=1e-4)
    assert estimate.high == pytest.approx(high, abs=1e-4)


def test_of_nothing_there_is_no_share() -> None:
    assert wilson(0, 0) == Estimate(None, None, None)

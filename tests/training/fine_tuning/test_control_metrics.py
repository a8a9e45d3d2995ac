from __future__ import annotations

import numpy as np
import pytest

from interject.training.fine_tuning.control_metrics import (
    DecidedStream,
    calibration_error,
    measure,
    missed,
)


def odds(*probabilities: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    p = np.array(probabilities, np.float32)
    logits: np.ndarray[tuple[int], np.dtype[np.float32]] = np.log(p / (1 - p))
    return logits


def test_triggers_are_counted_by_hand() -> None:
    """Right at chunk 1; false at 3; missed at 4, but two chunks late; never at 6."""
    stream = DecidedStream(
        "a",
        odds(0.1, 0.9, 0.1, 0.8, 0.2, 0.1, 0.3, 0.1, 0.1),
        (1, 4, 6),
        {4: odds(0.2, 0.4, 0.7, 0.9), 6: odds(0.3, 0.1)},
    )
    assert missed(stream.odds, stream.wanted, 0.5) == [4, 6]
    found = measure([stream], 0.5)
    assert (found.decisions, found.wanted, found.hits, found.false_triggers) == (9, 3, 2, 1)
    assert found.precision == pytest.approx(2 / 3)
    assert found.recall == pytest.approx(2 / 3)
    assert found.latency_chunks == 1.0
    assert found.false_triggers_an_hour == pytest.approx(1 / (9 * 0.4 / 3600))


def test_the_threshold_decides() -> None:
    stream = DecidedStream("a", odds(0.6, 0.6), (0,), {})
    assert measure([stream], 0.5).false_triggers == 1
    assert measure([stream], 0.7).recall == 0.0


def test_what_was_not_measured_is_not_a_number() -> None:
    nothing = measure([], 0.5)
    assert nothing.numbers() == {}
    silent = measure([DecidedStream("a", odds(0.1, 0.1), (), {})], 0.5)
    assert set(silent.numbers()) == {"false_triggers_an_hour", "calibration_error"}


def test_calibration_error_by_hand() -> None:
    """Two bins: 0.2 where one in four is right, 0.9 where all are."""
    p = np.array([0.2, 0.2, 0.2, 0.2, 0.9, 0.9])
    right = np.array([True, False, False, False, True, True])
    assert calibration_error(p, right) == pytest.approx((4 * 0.05 + 2 * 0.1) / 6)
    certain = np.array([1.0, 0.0])
    assert calibration_error(certain, np.array([True, False])) == 0.0

"""Figures of streams against ones that were counted by hand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.model_runtime.protocol import FRAME_S
from interject.training.sound_benchmark.bootstrap import (
    estimate,
    estimate_of_quantile,
    estimate_of_rows,
)
from interject.training.streaming_benchmark.calibration import calibrate
from interject.training.streaming_benchmark.matching import match
from interject.training.streaming_benchmark.stream_scores import (
    always_silent,
    always_speaking,
    score_streams,
)
from interject.training.streaming_benchmark.text_scores import score_texts
from interject.training.streaming_benchmark.threshold_sweep import recommended, sweep
from interject.training.streaming_benchmark.words import knows, numbers, same_count, words
from interject.training.streams.ability import Ability
from tests.training.streaming_benchmark.streams import due, heard, played

if TYPE_CHECKING:
    from interject.training.streaming_benchmark.played_stream import PlayedStream
    from interject.training.streaming_benchmark.stream_scores import StreamScore

HOUR_CHUNKS = 9_000


def value(score: StreamScore, name: str) -> float | None:
    return score.figures[name].value


def test_a_reply_counts_in_its_chunk_and_the_next_two() -> None:
    for late, found in ((-1, 0), (0, 1), (2, 1), (3, 0)):
        matched = match([due(4)], [heard(4 + late)])
        assert (len(matched.pairs), len(matched.missed), len(matched.false)) == (
            found, 1 - found, 1 - found,
        )  # fmt: skip


def test_where_each_chunk_has_a_reply_none_takes_the_next_ones() -> None:
    """The first is missing: the reply to the second is not one that came late to the first."""
    matched = match([due(2), due(3), due(4)], [heard(3), heard(4)])
    assert [(d.chunk, h.chunk) for d, h in matched.pairs] == [(3, 3), (4, 4)]
    assert [d.chunk for d in matched.missed] == [2]


def test_figures_are_those_counted_by_hand() -> None:
    one = played(
        [due(2), due(5, "Two."), due(8)], [heard(2), heard(6, "Three."), heard(0)], name="one"
    )
    other = played([], [heard(1)], chunks=HOUR_CHUNKS, name="other")
    score = score_streams([one, other], seed=1)[0]
    assert (score.streams, score.due, score.missing) == (2, 3, 0)
    assert score.hours == pytest.approx(1 + 9 / HOUR_CHUNKS)
    assert value(score, "recall") == pytest.approx(2 / 3)
    assert value(score, "precision") == pytest.approx(2 / 4)
    assert value(score, "f1") == pytest.approx(4 / 7)
    assert value(score, "false_per_hour") == pytest.approx(2 / score.hours)
    assert value(score, "right_words") == pytest.approx(1 / 2)
    assert score.late_chunks.value == pytest.approx(1 / 2)


def test_latency_is_the_sound_that_was_waited_for_and_the_work() -> None:
    one = played([due(2, before_end_s=0.3)], [heard(3, first_word_s=0.02)])
    score = score_streams([one], seed=1)[0]
    expected = 1_000 * (FRAME_S + 0.3 + 0.02)
    assert score.latency_p50_ms.value == pytest.approx(expected)
    assert score.latency_p95_ms.value == pytest.approx(expected)


def test_a_count_is_right_by_its_number_and_history_by_what_it_knows() -> None:
    one = played(
        [
            due(0, "I am counting.", "count"),
            due(1, "That is one.", "count"),
            due(3, "That is two.", "counting"),
            due(5, "Your order was twelve red roses.", "history_review"),
            due(7, "The meeting is on Monday.", "history_review"),
        ],
        [
            heard(0, "I am counting."),
            heard(1, "1, I count."),
            heard(3, "Three."),
            heard(5, "12 red roses."),
            heard(7, "Sure."),
        ],
    )
    score = score_streams([one], seed=1)[0]
    assert value(score, "counting") == 0.5
    assert value(score, "history") == 0.5


def test_what_was_not_heard_is_missed_and_takes_no_time() -> None:
    cut = played([due(1), due(5)], [heard(1)], p_respond=[0.0, 1.0, None, None], problem="gone")
    score = score_streams([cut], seed=1)[0]
    assert (score.missing, value(score, "recall")) == (1, 0.5)
    assert score.hours == pytest.approx(2 / HOUR_CHUNKS)


def test_the_baselines_need_no_ears() -> None:
    one = played([due(2), due(5)], [], chunks=10)
    silent = score_streams([always_silent(one)], seed=1)[0]
    speaking = score_streams([always_speaking(one)], seed=1)[0]
    assert (value(silent, "recall"), value(silent, "false_per_hour")) == (0.0, 0.0)
    assert value(silent, "precision") is None
    assert (value(speaking, "recall"), value(speaking, "precision")) == (1.0, 0.2)
    assert value(speaking, "false_per_hour") == pytest.approx(8 / (10 / HOUR_CHUNKS))


def test_abilities_are_scored_apart_where_there_are_several() -> None:
    streams = [
        played([due(1)], [heard(1)], name="a"),
        played([due(1)], [], name="b", ability=Ability.PROACTIVE),
    ]
    scores = score_streams(streams, seed=1)
    assert [score.ability for score in scores] == ["all", "proactive", "voice_chat"]
    assert [value(score, "recall") for score in scores] == [0.5, 0.0, 1.0]
    assert len(score_streams(streams[:1], seed=1)) == 1


def test_drawing_items_that_do_not_differ_is_the_same_either_way() -> None:
    rows = np.array([(1, 1)] * 30 + [(0, 1)] * 10, np.float64)
    by_rows = estimate_of_rows(rows, lambda sums: sums[:, 0] / sums[:, 1], seed=1)
    by_cells = estimate(
        {"right": 30, "wrong": 10},
        lambda counts: counts["right"] / (counts["right"] + counts["wrong"]),
        seed=1,
    )
    assert by_rows.value == by_cells.value == 0.75
    assert by_rows.low == pytest.approx(by_cells.low, abs=0.03)
    assert by_rows.high == pytest.approx(by_cells.high, abs=0.03)


def test_a_quantile_has_an_interval_and_nothing_has_none() -> None:
    found = estimate_of_quantile([float(each) for each in range(101)], 0.95, seed=1)
    assert found.value == 95.0
    assert found.low is not None
    assert found.high is not None
    assert 85 < found.low < 95 < found.high <= 100
    assert estimate_of_quantile([], 0.5, seed=1).value is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("That makes twenty-one, not 7.", [21, 7]),
        ("Thirty or forty two", [30, 42]),
        ("one hundred", [1]),
        ("no number", []),
    ],
)
def test_numbers_are_read_in_digits_and_words(text: str, found: list[int]) -> None:
    assert numbers(text) == found


def test_words_have_no_punctuation_and_chinese_letters_stand_alone() -> None:
    assert words("It's  5 O'Clock, ok?") == ["it's", "5", "o'clock", "ok"]
    assert words("你好 world") == ["你", "好", "world"]
    assert same_count("I heard two.", "2 beeps")
    assert not knows("the", "the red car")


def texts(ability: Ability, *pairs: tuple[str, str]) -> list[PlayedStream]:
    return [
        played([due(1, right)], [heard(1, said)] if said else [], ability=ability, name=str(number))
        for number, (right, said) in enumerate(pairs)
    ]


def test_word_errors_are_counted_over_whole_streams() -> None:
    streams = texts(
        Ability.REAL_TIME_ASR, ("The cat sat down.", "the cat sat"), ("Hello there", "hello where")
    )
    scores = score_texts(streams, seed=1)
    assert scores.word_error_rate.value == pytest.approx(2 / 6)
    assert scores.reference_words == 6
    silent = score_texts(texts(Ability.REAL_TIME_ASR, ("a b", "")), seed=1)
    assert silent.word_error_rate.value == 1.0
    assert score_texts([], seed=1).word_error_rate.value is None


def test_bleu_is_a_hundred_where_all_is_the_same_and_counts_chinese_letters() -> None:
    text = "the quick brown fox jumps over the lazy dog"
    assert score_texts(texts(Ability.TRANSLATION, (text, text)), seed=1).bleu.value == (
        pytest.approx(100)
    )
    chinese = score_texts(texts(Ability.TRANSLATION, ("今天天气很好", "今天天气不好")), seed=1)
    assert chinese.bleu.value is not None
    assert 10 < chinese.bleu.value < 90


def test_calibration_error_is_the_mean_gap() -> None:
    """Three chunks of 0.25 and one of 0.85; the one that stands for the due reply is the last."""
    one = played([due(1)], [], p_respond=[0.25, 0.25, 0.25, 0.85, 0.25, 0.25])
    calibration = calibrate([one], seed=1)
    low, high = calibration.bins[2], calibration.bins[8]
    assert low is not None
    assert high is not None
    assert (low.chunks, low.p_respond, low.due_share) == (3, 0.25, 0.0)
    assert (high.chunks, high.due_share) == (1, 1.0)
    assert calibration.error.value == pytest.approx((3 * 0.25 + 0.15) / 4)
    assert calibrate([played([], [], p_respond=[None])], seed=1).error.value is None


def test_a_threshold_is_recommended_by_false_replies_an_hour() -> None:
    p_respond = [0.0] * HOUR_CHUNKS
    for chunk, p in ((10, 0.9), (11, 0.9), (20, 0.6), (30, 0.55), (40, 0.8)):
        p_respond[chunk] = p
    one = played([due(10), due(20)], [], p_respond=p_respond)
    points = {point.threshold: point for point in sweep([one], (0.5, 0.7, 0.95))}
    assert [points[at].recall for at in (0.5, 0.7, 0.95)] == [1.0, 0.5, 0.0]
    assert [round(points[at].false_per_hour, 6) for at in (0.5, 0.7, 0.95)] == [2.0, 1.0, 0.0]
    best = recommended(list(points.values()), target_false_per_hour=1)
    assert best is not None
    assert best.threshold == 0.7
    assert recommended([points[0.5]], target_false_per_hour=0.1) is None


def test_a_reply_in_each_chunk_is_a_trigger_in_each_chunk() -> None:
    one = played([due(1), due(2), due(3)], [], p_respond=[0.1, 0.9, 0.9, 0.9, 0.9])
    (point,) = sweep([one], (0.5,))
    assert point.recall == 1.0
    assert not math.isnan(point.false_per_hour)

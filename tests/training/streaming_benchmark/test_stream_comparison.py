"""What `interject eval compare` says of two runs on the same streams."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from interject.training.sound_benchmark.clips import BenchmarkError
from interject.training.streaming_benchmark.duplex_scene import SceneKind
from interject.training.streaming_benchmark.duplex_scores import PlayedScene
from interject.training.streaming_benchmark.stream_comparison import (
    StreamDifference,
    compare_streams,
)
from interject.training.streaming_benchmark.stream_report import StreamReport
from interject.training.streams.ability import Ability
from tests.training.streaming_benchmark.streams import due, heard, played

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.training.streaming_benchmark.played_stream import PlayedStream

LINES = (
    "the cat sat on the mat",
    "we meet again on monday at ten",
    "please close the door behind you",
)


def report(streams: Sequence[PlayedStream], scenes: Sequence[PlayedScene] = ()) -> StreamReport:
    return StreamReport(
        interject="0", dataset="d", runtime="embedded:nano", system_prompt="", threshold=0.5,
        target_false_per_hour=5, seed=1, tail_s=1, streams=tuple(streams), scenes=tuple(scenes),
    )  # fmt: skip


def found(
    differences: Sequence[StreamDifference], what: str, figure: str
) -> tuple[float | None, bool]:
    """The change, and whether it is beyond noise."""
    (one,) = (d for d in differences if (d.ability, d.figure) == (what, figure))
    return one.change.value, one.beyond_noise


def test_a_run_that_answers_one_chunk_later_is_later_beyond_noise() -> None:
    before = [played([due(3)], [heard(3, first_word_s=0.1)], name=str(n)) for n in range(12)]
    after = [played([due(3)], [heard(4, first_word_s=0.2)], name=str(n)) for n in range(12)]
    differences = compare_streams(report(before), report(after))
    assert found(differences, "all", "late_chunks") == (1.0, True)
    change, beyond = found(differences, "all", "latency_ms")
    assert change == pytest.approx(500)
    assert beyond
    assert found(differences, "all", "recall") == (0.0, False)


def test_replies_that_one_run_missed_have_no_change_of_time() -> None:
    before = [played([due(3)], [heard(3)], name=str(n)) for n in range(4)]
    after = [played([due(3)], [], name=str(n)) for n in range(4)]
    differences = compare_streams(report(before), report(after))
    assert {d.figure for d in differences}.isdisjoint({"late_chunks", "latency_ms"})
    assert found(differences, "all", "recall") == (-1.0, True)


def test_wrong_words_of_what_was_transcribed_are_compared() -> None:
    def spoken(last: str) -> list[PlayedStream]:
        asr = Ability.REAL_TIME_ASR
        return [
            played([due(3, line)], [heard(3, f"{line} {last}".strip())], ability=asr, name=line)
            for line in LINES
        ]

    differences = compare_streams(report(spoken("indeed")), report(spoken("")))
    change, beyond = found(differences, Ability.REAL_TIME_ASR, "word_error_rate")
    assert change == pytest.approx(-3 / 19)
    assert beyond


def test_translations_are_compared_by_bleu() -> None:
    def translated(replies: Sequence[str]) -> list[PlayedStream]:
        return [
            played([due(3, line)], [heard(3, said)], ability=Ability.TRANSLATION, name=line)
            for line, said in zip(LINES, replies, strict=True)
        ]

    differences = compare_streams(report(translated(["no"] * 3)), report(translated(LINES)))
    change, beyond = found(differences, Ability.TRANSLATION, "bleu")
    assert change is not None
    assert change > 90
    assert beyond


def test_scenes_of_the_whole_agent_are_compared_in_pairs() -> None:
    streams = [played([due(3)], [heard(3)])]

    def scenes(spoke_ms: float, background_ms: float | None) -> list[PlayedScene]:
        return [
            PlayedScene(kind=SceneKind.TAKE_OVER, id=f"t{n}", spoke_ms=spoke_ms) for n in range(8)
        ] + [
            PlayedScene(kind=SceneKind.BACKGROUND, id=f"b{n}", spoke_ms=background_ms)
            for n in range(8)
        ]

    differences = compare_streams(
        report(streams, scenes(900, None)), report(streams, scenes(600, 500))
    )
    assert found(differences, "scenes: take_over", "time_ms") == (-300.0, True)
    background = found(differences, "scenes: background", "answered speech that asks nothing of it")
    assert background == (1.0, True)


def test_reports_with_other_scenes_are_compared_by_their_streams_alone() -> None:
    streams = [played([due(3)], [heard(3)])]
    one = PlayedScene(kind=SceneKind.TAKE_OVER, id="t", spoke_ms=900)
    differences = compare_streams(report(streams, [one]), report(streams))
    assert not any(d.ability.startswith("scenes") for d in differences)


def test_other_streams_are_refused() -> None:
    first, second = report([played([due(3)], [])]), report([played([due(4)], [])])
    with pytest.raises(BenchmarkError, match="other replies are due"):
        compare_streams(first, second)

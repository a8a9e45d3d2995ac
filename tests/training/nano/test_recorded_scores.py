from __future__ import annotations

import numpy as np
import pytest

from interject.model_runtime.protocol import Emotion
from interject.training.nano.evaluation import GivenReply
from interject.training.nano.recorded_scores import (
    HeardScene,
    false_by_key,
    false_replies,
    found_replies,
)
from interject.training.nano.scene import Happening, Scene, WantedReply

CHUNK = 6_400


def heard(
    happenings: list[Happening],
    *replies: GivenReply,
    chunks: int = 90,
    p: dict[int, float] | None = None,
) -> HeardScene:
    sound = np.zeros(chunks * CHUNK + 40, np.float32)
    scene = Scene(sound, happenings, np.zeros(0, np.int8), np.zeros((0, 0), np.uint8))
    p_respond = [(p or {}).get(chunk, 0.0) for chunk in range(chunks)]
    return HeardScene(scene, replies, tuple(p_respond))


def sound(key: str, first: int, last: int, text: str | None = None) -> Happening:
    """From the middle of a chunk to the middle of another."""
    reply = None if text is None else WantedReply(text, Emotion.NORMAL, key)
    return Happening(key, first * CHUNK + 3_200, last * CHUNK + 3_200, reply)


def test_every_reply_to_what_asks_nothing_is_false_and_blamed_on_what_began_last() -> None:
    one = heard(
        [sound("door", 2, 4), sound("word", 10, 12), sound("door", 50, 52)],
        GivenReply(3, "A."),
        GivenReply(8, "B."),
        GivenReply(30, "A."),
    )
    counts = false_replies([one])
    assert (counts.recordings, counts.false, counts.answered) == (3, 3, 2)
    assert counts.minutes == pytest.approx(90 * 0.4 / 60, abs=1e-3)
    assert counts.minutes_of_sound == pytest.approx(6 * 0.4 / 60)
    assert counts.an_hour.value == pytest.approx(3 / (90 * 0.4 / 3_600), rel=1e-3)
    assert counts.an_hour_of_sound.value == pytest.approx(3 / (6 * 0.4 / 3_600))
    assert counts.said.most_common(1) == [("A.", 2)]
    assert false_by_key([one]) == {"door": (1, 2), "word": (1, 1)}


def test_nothing_heard_is_no_figure() -> None:
    assert false_replies([]).an_hour.value is None
    assert found_replies([]).share_found.value is None


def test_a_request_is_answered_after_its_end_and_a_sound_as_soon_as_it_is_heard() -> None:
    asked = [sound("name", 5, 10, "Yes.")]
    siren = [sound("siren", 5, 10, "Yes.")]
    assert found_replies([heard(asked, GivenReply(7, "Yes."))]).found == 0
    assert found_replies([heard(siren, GivenReply(7, "Yes."))]).found == 1
    for request, end in ((asked, 12), (siren, 12)):
        counts = found_replies([heard(request, GivenReply(end, "No."))])
        assert (counts.found, counts.exact, counts.mean_late) == (1, 0, 2.0)
        assert found_replies([heard(request, GivenReply(end + 1, "Yes."))]).found == 0


def test_a_recording_that_is_played_three_times_counts_once() -> None:
    again = [heard([sound("siren", 5, 10, "Yes.")], GivenReply(n, "Yes.")) for n in (6, 7, 20)]
    counts = found_replies(again, times=3)
    assert counts.asked == 1
    assert counts.exact == pytest.approx(2 / 3)


def test_of_a_window_the_largest_stands_for_the_moment() -> None:
    one = heard([sound("name", 5, 10, "Yes.")], p={3: 0.4, 11: 0.7, 12: 0.9}, chunks=20)
    labelled = list(one.labelled())
    assert labelled.count((0.9, True)) == 1
    assert (0.7, False) not in labelled
    assert (0.4, False) in labelled
    assert len(labelled) == 20 - 2

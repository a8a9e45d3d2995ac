from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interject.cli.output.stereo_wav import StereoWriter
from tests.cli.sounds import RATE_HZ, read_stereo

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def ramp(count: int, first: int = 1) -> NDArray[np.int16]:
    return (np.arange(count) % 1_000 + first).astype(np.int16)


def test_both_sides_stand_at_their_moments(tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    with StereoWriter(path) as writer:
        for _ in range(10):
            writer.hear(ramp(1_600))
        writer.settle(3_000)
        writer.speak(5_000, ramp(2_000))
        writer.settle(6_400)
    sound = read_stereo(path)
    np.testing.assert_array_equal(sound[:, 0], np.tile(ramp(1_600), 10))
    assert not sound[:5_000, 1].any()
    np.testing.assert_array_equal(sound[5_000:7_000, 1], ramp(2_000))
    assert not sound[7_000:, 1].any()


def test_words_wait_for_earlier_words(tmp_path: Path) -> None:
    with StereoWriter(tmp_path / "o.wav") as writer:
        writer.speak(100, ramp(500))
        writer.speak(200, ramp(300))
        assert writer.spoken_until == 900
    np.testing.assert_array_equal(
        read_stereo(tmp_path / "o.wav")[:, 1],
        np.concatenate([np.zeros(100), ramp(500), ramp(300)]),
    )


def test_speech_beyond_the_end_of_the_room_is_kept(tmp_path: Path) -> None:
    with StereoWriter(tmp_path / "o.wav") as writer:
        writer.hear(ramp(1_000))
        writer.speak(1_000, ramp(RATE_HZ))
    sound = read_stereo(tmp_path / "o.wav")
    assert len(sound) == 1_000 + RATE_HZ
    assert not sound[1_000:, 0].any()


def test_late_speech_is_moved_and_not_lost(tmp_path: Path) -> None:
    with StereoWriter(tmp_path / "o.wav") as writer:
        writer.hear(ramp(6_400))
        writer.settle(6_400)
        writer.speak(0, ramp(10))
    np.testing.assert_array_equal(read_stereo(tmp_path / "o.wav")[6_400:, 1], ramp(10))


def test_hush_takes_back_what_has_not_sounded(tmp_path: Path) -> None:
    with StereoWriter(tmp_path / "o.wav") as writer:
        writer.hear(ramp(2_000))
        writer.speak(0, ramp(900))
        writer.speak(0, ramp(900))
        writer.hush(500)
    sound = read_stereo(tmp_path / "o.wav")[:, 1]
    assert np.count_nonzero(sound) == 500


def test_an_empty_session_is_a_valid_file(tmp_path: Path) -> None:
    with StereoWriter(tmp_path / "o.wav"):
        pass
    assert read_stereo(tmp_path / "o.wav").shape == (0, 2)


def test_what_is_settled_leaves_memory(tmp_path: Path) -> None:
    with StereoWriter(tmp_path / "o.wav") as writer:
        for second in range(1, 60):
            writer.hear(ramp(RATE_HZ))
            writer.settle(second * RATE_HZ)
        assert (tmp_path / "o.wav").stat().st_size > 58 * RATE_HZ * 4 - 100_000

"""What is heard of sounds, measured in decibels a window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from interject.agent.sound_file import as_flac
from interject.agent.soundboard.desk import MOST_AT_ONCE, SoundDesk
from interject.agent.soundboard.library import SoundboardLibrary
from interject.agent.soundboard.limiter import Limiter
from interject.config import load_profile
from tests.agent.soundboard.boards import BED, RATE_HZ, decibels, folder, profile_file, tone

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

BLOCK = 320
BLOCKS_A_SECOND = RATE_HZ // BLOCK


def desk(path: Path, sounds: dict[str, Any] | None = None, **board: Any) -> SoundDesk:
    rain = folder(path / "sounds", sounds) / "rain.flac"
    rain.write_bytes(as_flac(tone(1_000, 4.0), RATE_HZ))
    settings = load_profile(profile_file(path, **board)).soundboard
    return SoundDesk(SoundboardLibrary(settings, RATE_HZ), settings)


def heard(desk: SoundDesk, seconds: float, *, speech: bool = False) -> NDArray[np.int16]:
    blocks = []
    for _ in range(round(seconds * BLOCKS_A_SECOND)):
        if speech:
            desk.heard_speech()
        blocks.append(desk.take(BLOCK))
    return np.concatenate(blocks)


def level(samples: NDArray[np.int16], from_s: float, to_s: float) -> float:
    return decibels(samples[round(from_s * RATE_HZ) : round(to_s * RATE_HZ)])


@pytest.fixture
def lying(tmp_path: Path) -> tuple[SoundDesk, float]:
    """A bed that has come, and its level."""
    found = desk(tmp_path)
    found.play("hum")
    return found, level(heard(found, 1.5), 1.1, 1.5)


@pytest.mark.parametrize("block", [320, 6_400, 32_000])
@pytest.mark.parametrize("crossfade_s", [0.005, 0.5])
def test_a_bed_begins_anew_wherever_its_end_lies_in_a_block(
    tmp_path: Path, crossfade_s: float, block: int
) -> None:
    board = desk(
        tmp_path, {"hum": {**BED, "file": "rain.flac"}}, fades={"crossfade_s": crossfade_s}
    )
    board.play("hum")
    found = np.concatenate([board.take(block) for _ in range(10 * RATE_HZ // block)])
    levels = [level(found, at_s, at_s + 0.05) for at_s in np.arange(1.0, 9.5, 0.05)]
    assert max(levels) - min(levels) < 4.0
    steps = np.abs(np.diff(found.astype(np.int32)))
    assert steps.max() < 2 * steps[RATE_HZ : 2 * RATE_HZ].max(), "it clicks"


def test_of_many_effects_at_once_the_oldest_go(tmp_path: Path) -> None:
    found = desk(tmp_path, loudness={"effect_lufs": -50.0})
    for _ in range(MOST_AT_ONCE):
        found.play("ding")
    full = level(heard(found, 0.5), 0.1, 0.5)
    for _ in range(4):
        found.play("ding")
    assert level(heard(found, 0.4), 0.1, 0.4) == pytest.approx(full, abs=0.2)


def test_nothing_plays_before_something_is_played(tmp_path: Path) -> None:
    found = desk(tmp_path)
    assert not found.is_playing
    assert not found.take(BLOCK).any()


def test_a_bed_comes_along_a_quarter_of_a_sine(tmp_path: Path) -> None:
    found = desk(tmp_path)
    found.play("hum")
    sound = heard(found, 1.5)
    whole = level(sound, 1.1, 1.5)
    for at_s in (0.25, 0.5, 0.75):
        expected = whole + 20 * np.log10(np.sin(np.pi / 2 * at_s))
        assert level(sound, at_s - 0.02, at_s + 0.02) == pytest.approx(expected, abs=0.3)


def test_speech_pushes_a_bed_down_within_the_attack_and_lets_it_come_back(
    lying: tuple[SoundDesk, float],
) -> None:
    found, whole = lying
    under = heard(found, 1.0, speech=True)
    assert level(under, 0.04, 0.06) == pytest.approx(whole - 7.5, abs=0.5), "half of 100 ms"
    assert level(under, 0.12, 1.0) == pytest.approx(whole - 15.0, abs=0.1)
    after = heard(found, 2.0)
    assert level(after, 0.0, 0.98) == pytest.approx(whole - 15.0, abs=0.1), "it waits for a pause"
    assert level(after, 1.24, 1.26) == pytest.approx(whole - 7.5, abs=0.5), "half of 500 ms"
    assert level(after, 1.52, 2.0) == pytest.approx(whole, abs=0.1)


def test_the_agent_s_own_words_push_it_down_and_are_untouched_themselves(
    lying: tuple[SoundDesk, float],
) -> None:
    found, whole = lying
    voice = (tone(2_000, 1.0, peak=0.25) * 32_767).astype(np.int16)
    parts = [found.take(BLOCK, voice[at : at + BLOCK]) for at in range(0, len(voice), BLOCK)]
    bed = np.concatenate(parts) - voice
    assert level(bed, 0.12, 1.0) == pytest.approx(whole - 15.0, abs=0.2)


def test_how_far_and_how_fast_is_the_profile_s(tmp_path: Path) -> None:
    found = desk(tmp_path, ducking={"depth_db": 6, "attack_s": 0.5, "hold_s": 0})
    found.play("hum")
    whole = level(heard(found, 1.5), 1.1, 1.5)
    under = heard(found, 1.0, speech=True)
    assert level(under, 0.24, 0.26) == pytest.approx(whole - 3.0, abs=0.3)
    assert level(under, 0.52, 1.0) == pytest.approx(whole - 6.0, abs=0.1)


def test_a_bed_gives_way_to_another_with_equal_power(tmp_path: Path) -> None:
    found = desk(tmp_path, {"hum": BED, "rain": {**BED, "file": "rain.flac"}})
    found.play("hum")
    whole = level(heard(found, 1.5), 1.1, 1.5)
    found.play("rain")
    crossing = heard(found, 2.0)
    for at_s in (0.0, 0.5, 1.0, 1.5, 1.9):
        assert level(crossing, at_s, at_s + 0.1) == pytest.approx(whole, abs=0.8)
    spectrum = np.abs(np.fft.rfft(heard(found, 0.2).astype(float)))
    at_hz = np.fft.rfftfreq(round(0.2 * RATE_HZ), 1 / RATE_HZ)
    assert at_hz[spectrum.argmax()] == pytest.approx(1_000, abs=6)
    assert spectrum[np.abs(at_hz - 400) < 6].max() < 0.01 * spectrum.max()


def test_a_bed_has_no_end(tmp_path: Path) -> None:
    found = desk(tmp_path)
    found.play("hum")
    heard(found, 1.5)
    levels = [level(heard(found, 0.5), 0.0, 0.5) for _ in range(30)]
    assert max(levels) - min(levels) < 3.1, "where it meets itself in phase it is 3 dB louder"
    assert found.is_playing


def test_the_same_bed_again_changes_nothing(lying: tuple[SoundDesk, float]) -> None:
    found, whole = lying
    found.play("hum")
    assert level(heard(found, 0.4), 0.0, 0.4) == pytest.approx(whole, abs=0.1)


def test_stopped_it_fades_and_told_to_be_silent_it_is_so_at_once(
    lying: tuple[SoundDesk, float],
) -> None:
    found, whole = lying
    found.stop()
    going = heard(found, 1.0)
    half = whole + 20 * np.log10(np.sin(np.pi / 4))
    assert level(going, 0.97, 1.0) == pytest.approx(half, abs=0.4)
    found.silence()
    assert level(heard(found, 0.1), 0.02, 0.1) < -100
    assert not found.is_playing


def test_who_takes_the_floor_ends_an_effect_and_only_ducks_a_bed(tmp_path: Path) -> None:
    found = desk(tmp_path)
    found.play("ding")
    alone = level(heard(found, 0.4), 0.1, 0.4)
    found.talked_over()
    cut = heard(found, 0.4, speech=True)
    assert level(cut, 0.0, 0.02) > alone - 6
    assert level(cut, 0.22, 0.4) < -100
    found.play("hum")
    heard(found, 1.0)
    found.talked_over()
    heard(found, 0.4, speech=True)
    assert found.is_playing


def test_too_many_effects_at_once_are_as_many_as_may_be(tmp_path: Path) -> None:
    found = desk(tmp_path)
    for _ in range(40):
        found.play("ding")
        found.take(BLOCK)
    loudest = np.abs(heard(found, 0.5)).max()
    assert 20 * np.log10(loudest / 32_768) <= -1.0


def test_nothing_comes_above_the_ceiling_and_what_stays_below_is_untouched() -> None:
    limiter = Limiter(RATE_HZ, -1.0)
    soft = tone(440, 0.02, peak=0.5)
    assert limiter.limited(soft) is soft
    loud = tone(440, 1.0, peak=2.0)
    parts = [limiter.limited(loud[at : at + BLOCK]) for at in range(0, len(loud), BLOCK)]
    limited = np.concatenate(parts)
    assert 20 * np.log10(np.abs(limited).max()) <= -0.999
    assert level((limited * 32_767).astype(np.int16), 0.1, 0.9) > -6.0, "it is no silence either"
    for _ in range(15):
        last = limiter.limited(soft)
    np.testing.assert_array_equal(last, soft)

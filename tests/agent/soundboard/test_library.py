"""Sounds are checked and made equally loud when they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from interject.agent.sound_file import as_flac
from interject.agent.soundboard.library import SoundboardFault, SoundboardLibrary, open_library
from interject.agent.soundboard.loudness import loudness
from interject.config import load_profile
from tests.agent.soundboard.boards import BED, EFFECT, RATE_HZ, folder, profile_file, tone

if TYPE_CHECKING:
    from pathlib import Path

    from interject.config import SoundboardSettings


def settings(path: Path, sounds: dict[str, Any] | None = None, **board: Any) -> SoundboardSettings:
    folder(path / "sounds", sounds)
    return load_profile(profile_file(path, **board)).soundboard


def test_a_full_scale_sine_is_as_loud_as_the_standard_says() -> None:
    """ITU-R BS.1770: at 0 dBFS one channel with a sine of 997 Hz measures -3.01 LUFS."""
    measured = loudness(tone(997, 3.0, peak=0.1), RATE_HZ)
    assert measured.integrated == pytest.approx(-23.0, abs=0.1)
    assert measured.momentary == pytest.approx(-23.0, abs=0.1)


def test_a_sound_shorter_than_a_measurement_is_measured() -> None:
    assert -40 < loudness(tone(997, 0.1, peak=0.1), RATE_HZ).momentary < -23


@pytest.mark.parametrize("rate_hz", [8_000, 24_000, 48_000])
def test_sounds_are_levelled_at_the_rate_of_whoever_plays_them(
    tmp_path: Path, rate_hz: int
) -> None:
    loud, soft = {**BED, "gain_db": 2.0}, {**EFFECT, "gain_db": -4.0}
    library = SoundboardLibrary(settings(tmp_path, {"hum": loud, "ding": soft}), rate_hz)
    hum, ding = library["hum"].samples, library["ding"].samples
    assert (len(hum), len(ding)) == (12 * rate_hz, rate_hz)
    assert loudness(hum, rate_hz).integrated == pytest.approx(-24.0, abs=0.2)
    assert loudness(ding, rate_hz).momentary == pytest.approx(-24.0, abs=0.2)


def test_peaks_stay_below_the_ceiling_whatever_the_loudness(tmp_path: Path) -> None:
    click = np.zeros(RATE_HZ, np.float32)
    click[8_000] = 0.5
    chosen = settings(tmp_path, loudness={"ceiling_dbfs": -6.0})
    (tmp_path / "sounds" / "ding.flac").write_bytes(as_flac(click, RATE_HZ))
    peak = np.abs(SoundboardLibrary(chosen, RATE_HZ)["ding"].samples).max()
    assert 20 * np.log10(peak) == pytest.approx(-6.0, abs=0.01)


def test_an_offset_that_nobody_hears_takes_no_room(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    plain = SoundboardLibrary(chosen, RATE_HZ)["ding"].samples
    (tmp_path / "sounds" / "ding.flac").write_bytes(as_flac(tone(1_000, 1.0) + 0.5, RATE_HZ))
    moved = SoundboardLibrary(chosen, RATE_HZ)["ding"].samples
    assert np.abs(moved - plain).max() < 0.01


def test_a_sound_begins_and_ends_in_silence(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    flat = np.full(RATE_HZ, 0.3, np.float32) * tone(50, 1.0, peak=1.0)
    (tmp_path / "sounds" / "ding.flac").write_bytes(as_flac(flat + 0.2, RATE_HZ))
    samples = SoundboardLibrary(chosen, RATE_HZ)["ding"].samples
    assert (samples[0], samples[-1]) == (0, 0)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "ding.flac: is empty (0 bytes)"),
        (b"no sound at all" * 100, "ding.flac: is no sound that can be read, or is damaged"),
        (tone(400, 0.02), "ding.flac: is too short for an effect: 0.02 s, 0.05 at least"),
        (tone(400, 31.0), "ding.flac: is too long for an effect: 31.0 s, 30 at most"),
        (np.zeros(RATE_HZ), "ding.flac: is silent: nothing of it is louder than -70 LUFS"),
        (
            np.clip(tone(400, 1.0, peak=4.0), -1, 1),
            "ding.flac: is clipped at 800 places; export it again with its peaks below 0 dBFS",
        ),
    ],
)
def test_a_sound_that_cannot_be_used_is_refused_in_one_line(
    tmp_path: Path, data: Any, says: str
) -> None:
    chosen = settings(tmp_path)
    found = data if isinstance(data, bytes) else as_flac(data, RATE_HZ)
    (tmp_path / "sounds" / "ding.flac").write_bytes(found)
    with pytest.raises(SoundboardFault) as caught:
        SoundboardLibrary(chosen, RATE_HZ)
    assert str(caught.value) == str(tmp_path / "sounds" / says)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    board = settings(tmp_path, {"ding": EFFECT})
    inside = board.path("ding")
    outside = inside.rename(tmp_path / "elsewhere.flac")
    inside.symlink_to(outside)
    with pytest.raises(SoundboardFault, match="is a link out of the folder"):
        SoundboardLibrary(board, RATE_HZ)


def test_each_fault_has_its_line_and_a_damaged_bed_is_no_half_bed(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    whole = (tmp_path / "sounds" / "hum.flac").read_bytes()
    (tmp_path / "sounds" / "hum.flac").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "sounds" / "ding.flac").unlink()
    with pytest.raises(SoundboardFault) as caught:
        SoundboardLibrary(chosen, RATE_HZ)
    assert len(caught.value.faults) == 2
    assert "(and 1 more)" in str(caught.value)


def test_of_one_folder_a_process_decodes_each_sound_once(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    first = open_library(chosen, RATE_HZ)
    (tmp_path / "sounds" / "ding.flac").unlink()
    assert open_library(chosen, RATE_HZ) is first

"""Effects and music on the recorded track, measured: levels, fades, and how far they give way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.agent.soundboard.boards import decibels, folder, profile_file
from tests.cli.listen.test_listening import events, listen
from tests.cli.sounds import RATE_HZ, read_tracks, write_wav
from tests.fakes.runtime import FakeRuntime, Scripted

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

TALKS_S = (6.0, 8.0)
LONG_S = 16.0
STARTS_S = 1.2
"""The end of chunk 2, whose reply begins the music."""


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    """Somebody talks for two seconds."""
    sound = np.zeros(round(LONG_S * RATE_HZ))
    said = slice(*(round(at * RATE_HZ) for at in TALKS_S))
    at_s = np.arange(len(sound)) / RATE_HZ
    sound[said] = 8_000 * np.sin(2 * np.pi * 250 * at_s[said])
    return write_wav(tmp_path / "talk.wav", sound.astype(np.int16))


def played(tmp_path: Path, talk: Path, script: dict[int, str], **board: Any) -> NDArray[np.int16]:
    folder(tmp_path / "sounds")
    profile = profile_file(tmp_path, play="track", **board)
    runtime = FakeRuntime({chunk: Scripted(text) for chunk, text in script.items()})
    out = tmp_path / "out.wav"
    assert listen(runtime, source=str(talk), profile=str(profile), out=str(out), json=True) == 0
    return read_tracks(out)


def level(track: NDArray[np.int16], from_s: float, to_s: float) -> float:
    return decibels(track[round(from_s * RATE_HZ) : round(to_s * RATE_HZ)])


def test_music_comes_gives_way_to_speech_and_goes(tmp_path: Path, talk: Path) -> None:
    both = played(tmp_path, talk, {2: "[play hum]", 27: "[stop music]"})
    assert both.shape == (round(LONG_S * RATE_HZ), 3)
    assert not both[:, 1].any()
    music = both[:, 2]
    assert not music[: round(STARTS_S * RATE_HZ)].any()
    whole = level(music, 2.4, 5.9)
    assert whole == pytest.approx(-25.4, abs=0.3), "a tone of 400 Hz at -26 LUFS"
    half_way = level(music, STARTS_S + 0.48, STARTS_S + 0.52)
    assert half_way == pytest.approx(whole - 3.0, abs=0.3), "an equal-power fade"
    assert level(music, 6.04, 6.06) == pytest.approx(whole - 7.5, abs=0.5), "its attack"
    assert level(music, 6.2, 8.9) == pytest.approx(whole - 15.0, abs=0.1), "speech, and a pause"
    assert level(music, 9.6, 11.1) == pytest.approx(whole, abs=0.1), "it has come back"
    assert level(music, 12.19, 12.21) == pytest.approx(whole - 3.0, abs=0.3), "half of two seconds"
    assert not music[round(13.3 * RATE_HZ) :].any()


def test_an_effect_is_as_loud_as_it_was_levelled_and_ends_by_itself(
    tmp_path: Path, talk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    effect = played(tmp_path, talk, {2: "[play ding] Well done.", 3: "[play ding]"})[:, 2]
    assert level(effect, STARTS_S + 0.1, STARTS_S + 0.9) == pytest.approx(-20.0, abs=0.3)
    assert not effect[round((STARTS_S + 1.01) * RATE_HZ) :].any(), "not twice: its cooldown"
    told = [one for one in events(capsys.readouterr().out) if one["event"] == "play"]
    assert [(one["sound"], one["licence"], one["credit"], one["aloud"]) for one in told] == [
        ("ding", "CC0-1.0", "a test", True)
    ]


def test_the_agent_s_own_words_push_music_down(tmp_path: Path, talk: Path) -> None:
    folder(tmp_path / "sounds")
    profile = profile_file(tmp_path, play="track")
    spoken = profile.read_text().replace("- cue", "- spoken").replace("none", "espeak")
    profile.write_text(spoken)
    runtime = FakeRuntime({2: Scripted("[play hum]"), 9: Scripted("I hear you very well.")})
    out = tmp_path / "out.wav"
    assert listen(runtime, source=str(talk), profile=str(profile), out=str(out)) == 0
    both = read_tracks(out)
    voice = np.flatnonzero(np.abs(both[:, 1]) > 500) / RATE_HZ
    assert 4.0 < voice[0] < 4.5
    whole = level(both[:, 2], 2.4, 3.9)
    during = level(both[:, 2], voice[0] + 0.2, voice[voice < 6.0][-1])
    assert during == pytest.approx(whole - 15.0, abs=0.2)


def test_without_a_file_sounds_are_only_shown(
    tmp_path: Path, talk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder(tmp_path / "sounds")
    profile = profile_file(tmp_path, play="track")
    runtime = FakeRuntime({2: Scripted("[play hum]")})
    assert listen(runtime, source=str(talk), profile=str(profile), json=False) == 0
    told = capsys.readouterr()
    assert "note: sounds are shown and not played" in told.err
    assert "cue  play 500  hum (CC0-1.0, a test)" in told.out


def test_sounds_that_cannot_be_used_are_one_line_before_anything_is_heard(
    tmp_path: Path, talk: Path
) -> None:
    sounds = folder(tmp_path / "sounds")
    (sounds / "hum.flac").write_bytes(b"nothing")
    profile = profile_file(tmp_path, play="track")
    out = tmp_path / "out.wav"
    with pytest.raises(ValueError, match=r"hum\.flac: is no sound that can be read"):
        listen(FakeRuntime(), source=str(talk), profile=str(profile), out=str(out))
    assert not out.exists()

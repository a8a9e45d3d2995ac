"""Which voice speaks where the one that was asked for may be missing."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import pytest

from interject.agent.voice import VoiceFailure, choose_voice, open_voice
from interject.agent.voice.espeak import EspeakSpeaker
from interject.agent.voice.installed import InstalledVoice, installed_voices, voices_folder
from interject.config import AutoVoice, EspeakVoice, KokoroVoice, NoVoice, PiperVoice, load_profile

if TYPE_CHECKING:
    from pathlib import Path

    from interject.agent.voice import ChosenVoice
    from interject.config import VoiceSettings

AUTO = AutoVoice(engine="auto", language="en-gb")
NOT_INSTALLED = "the piper voice x is not installed (interject voice fetch x)"


def make_voice(root: Path, name: str, engine: str, language: str = "en_US") -> None:
    folder = root / name
    folder.mkdir(parents=True)
    (folder / f"{name}.onnx").write_bytes(b"network")
    if engine == "piper":
        config = {"language": {"code": language}, "espeak": {"voice": "en-us"}}
        (folder / f"{name}.onnx.json").write_text(json.dumps(config))
        return
    (folder / "voices").mkdir()
    for speaker in ("af_heart", "bf_emma"):
        (folder / "voices" / f"{speaker}.bin").write_bytes(b"style")


def chosen(settings: VoiceSettings, root: Path, missing: str = "") -> ChosenVoice:
    return choose_voice(settings, installed=lambda: installed_voices(root), missing=lambda: missing)


def test_a_natural_voice_speaks_where_one_is_installed(tmp_path: Path) -> None:
    assert chosen(AUTO, tmp_path).label == "espeak en-gb"
    make_voice(tmp_path, "german", "piper", "de_DE")
    assert chosen(AUTO, tmp_path).label == "espeak en-gb"
    make_voice(tmp_path, "kokoro", "kokoro")
    assert chosen(AUTO, tmp_path).label == "kokoro kokoro bf_emma"
    make_voice(tmp_path, "american", "piper")
    assert chosen(AUTO, tmp_path).label == "piper american"
    make_voice(tmp_path, "british", "piper", "en_GB")
    found = chosen(AUTO, tmp_path)
    assert (found.label, found.fault) == ("piper british", "")
    us = AUTO.model_copy(update={"language": "en-us"})
    assert chosen(us, tmp_path).label == "piper american"


def test_a_missing_voice_is_told_and_espeak_speaks(tmp_path: Path) -> None:
    espeak = EspeakVoice(name="de")
    wanted = PiperVoice(engine="piper", model="x", espeak=espeak)
    found = chosen(wanted, tmp_path)
    assert (found.settings, found.fault) == (espeak, NOT_INSTALLED)
    strict = wanted.model_copy(update={"espeak": None})
    with pytest.raises(VoiceFailure, match="is not installed"):
        chosen(strict, tmp_path)
    make_voice(tmp_path, "x", "kokoro")
    assert "is one for kokoro, not piper" in chosen(wanted, tmp_path).fault
    assert chosen(KokoroVoice(engine="kokoro", model="x"), tmp_path).fault == ""


def test_a_missing_library_is_told(tmp_path: Path) -> None:
    make_voice(tmp_path, "british", "piper", "en_GB")
    wanted = PiperVoice(engine="piper", model="british")
    for settings in (wanted, AUTO):
        found = chosen(settings, tmp_path, missing="pip install x")
        assert found.label == "espeak en-gb"
        assert "pip install x" in found.fault


def test_other_engines_are_left_as_they_are(tmp_path: Path) -> None:
    assert chosen(NoVoice(engine="none"), tmp_path).label == "none"
    assert chosen(EspeakVoice(), tmp_path).installed is None


def test_opening_says_which_voice_it_is(caplog: pytest.LogCaptureFixture) -> None:
    wanted = PiperVoice(engine="piper", model="named-here-alone")
    with caplog.at_level(logging.INFO):
        assert isinstance(open_voice(wanted), EspeakSpeaker)
        open_voice(wanted)
    (told,) = [r for r in caplog.records if r.message == "Another voice speaks"]
    assert "voice fetch named-here-alone" in told.__dict__["reason"]


def test_the_default_profile_takes_what_is_there() -> None:
    assert load_profile("default").voice.engine == "auto"


def test_what_is_no_voice_is_left_out(tmp_path: Path) -> None:
    make_voice(tmp_path, "good", "kokoro")
    for name in ("empty", "half", ".parts"):
        (tmp_path / name).mkdir()
    (tmp_path / "half" / "half.onnx").write_bytes(b"network")
    make_voice(tmp_path, ".new", "piper")
    (tmp_path / "file").write_text("x")
    make_voice(tmp_path, "odd", "piper")
    (tmp_path / "odd" / "odd.onnx.json").write_text("[1]")
    names = {voice.name: voice for voice in installed_voices(tmp_path)}
    assert names.keys() == {"good", "odd"}
    good: InstalledVoice = names["good"]
    assert (good.speakers, good.size_bytes) == (("af_heart", "bf_emma"), 17)
    assert installed_voices(tmp_path / "nowhere") == []


def test_voices_lie_where_the_environment_says(tmp_path: Path) -> None:
    assert voices_folder({"INTERJECT_VOICES": "/v"}).as_posix() == "/v"
    assert voices_folder({"XDG_DATA_HOME": "/d"}).as_posix() == "/d/interject/voices"
    home = voices_folder({"HOME": "/h", "XDG_DATA_HOME": ""}).as_posix()
    assert home == "/h/.local/share/interject/voices"

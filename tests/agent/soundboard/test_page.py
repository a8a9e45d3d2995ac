"""docs/soundboard.md shows what a profile may say, and profiles that can be used."""

from __future__ import annotations

from pathlib import Path

import yaml

from interject.config import SoundboardSettings, load_profile
from tests.agent.soundboard.boards import folder

PAGE = (Path(__file__).parents[3] / "docs" / "soundboard.md").read_text(encoding="utf-8")


def shown(name: str) -> str:
    return PAGE.partition(f"<!-- {name} -->\n```yaml\n")[2].partition("```")[0]


def test_the_page_shows_every_key_as_it_is_when_left_out() -> None:
    content = yaml.safe_load(shown("soundboard"))
    settings = SoundboardSettings.model_validate(content)
    assert settings == SoundboardSettings()
    assert set(content) == set(SoundboardSettings.model_fields)
    for part in ("loudness", "ducking", "fades", "mood"):
        assert set(content[part]) == set(type(getattr(settings, part)).model_fields)


def test_the_folder_and_the_profile_that_the_page_shows_can_be_used(tmp_path: Path) -> None:
    sounds = folder(tmp_path / "sounds")
    (sounds / "ding.flac").rename(sounds / "jingle.flac")
    (sounds / "hum.flac").rename(sounds / "rain.flac")
    (sounds / "sounds.yaml").write_text(shown("index"), encoding="utf-8")
    (tmp_path / "show.yaml").write_text(shown("show"), encoding="utf-8")
    profile = load_profile(tmp_path / "show.yaml")
    assert list(profile.soundboard.sounds) == ["jingle", "rain"]
    assert all(tag in profile.system_prompt for tag, _ in profile.soundboard.tags)


def test_the_first_try_names_a_shipped_sound(tmp_path: Path) -> None:
    (tmp_path / "try.yaml").write_text(shown("try"), encoding="utf-8")
    profile = load_profile(tmp_path / "try.yaml")
    (reading,) = profile.reply.read_as.values()
    assert any(tag in reading for tag, _ in profile.soundboard.tags)
    assert (profile.mode, profile.soundboard.play) == ("speak", "track")

"""docs/soundboard.md shows what a profile may say."""

from __future__ import annotations

from pathlib import Path

import yaml

from interject.config import SoundboardSettings

PAGE = (Path(__file__).parents[3] / "docs" / "soundboard.md").read_text(encoding="utf-8")


def test_the_page_shows_every_key_as_it_is_when_left_out() -> None:
    shown = yaml.safe_load(PAGE.partition("<!-- soundboard -->\n```yaml\n")[2].partition("```")[0])
    settings = SoundboardSettings.model_validate(shown)
    assert settings == SoundboardSettings()
    parts = ("loudness", "ducking", "fades", "mood")
    assert set(shown) == set(SoundboardSettings.model_fields)
    for part in parts:
        assert set(shown[part]) == set(type(getattr(settings, part)).model_fields)

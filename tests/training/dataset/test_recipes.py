"""The file of the recipe `sounds` in the documentation is the recipe's defaults."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from interject.config.yaml_file import load_yaml
from interject.training.dataset.recipes import SoundsRecipe

PAGE = Path(__file__).parents[3] / "docs" / "training.md"


def test_the_page_shows_every_setting_at_its_default(tmp_path: Path) -> None:
    block = re.search(r"```yaml\n(recipe: sounds\n.*?)```", PAGE.read_text(), re.DOTALL)
    assert block is not None
    path = tmp_path / "mine.yaml"
    path.write_text(block[1])
    assert load_yaml(path, SoundsRecipe, "recipe") == SoundsRecipe()
    assert yaml.safe_load(block[1]) == SoundsRecipe().model_dump(mode="json")

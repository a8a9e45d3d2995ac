"""The table of `docs/training.md` has every setting of composition with its default."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from interject.training.soundflow.composer_settings import ComposerSettings

PAGE = Path(__file__).parents[3] / "docs" / "training.md"
ROW = re.compile(r"^\| `(?P<name>[\w.]+)` \| (?P<default>[^|]+) \| (?P<of>\w+) \|", re.MULTILINE)


def defaults() -> dict[str, list[float]]:
    """Of weights the numbers alone, in their order."""
    content: dict[str, Any] = ComposerSettings().model_dump(exclude={"tfjp"})
    found: dict[str, Any] = {"abilities": content.pop("abilities")}
    for group, settings in content.items():
        found |= {f"{group}.{name}": value for name, value in settings.items()}
    return {name: numbers(value) for name, value in found.items()}


def numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, tuple) else [value]


def documented() -> dict[str, list[float]]:
    section = PAGE.read_text(encoding="utf-8").partition("### Settings of composition")[2]
    section = section.partition("\n## ")[0]
    return {
        row["name"]: [float(number) for number in row["default"].split(",")]
        for row in ROW.finditer(section)
    }


def test_every_setting_is_documented_with_its_default() -> None:
    assert documented() == defaults()

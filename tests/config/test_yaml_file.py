from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import Field

from interject.config.strict import StrictModel
from interject.config.yaml_file import YamlFileError, load_yaml

if TYPE_CHECKING:
    from pathlib import Path


class Bell(StrictModel):
    name: str
    tones_hz: tuple[int, ...] = ()


class Tower(StrictModel):
    name: str
    bells: tuple[Bell, ...] = Field(default=(), strict=False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: a\nbells:\n- name: b\n- name: 3\n", ", line 4: 'bells.1.name' is 3"),
        ("name: a\nbells:\n- name: b\n  colour: red\n", ", line 4: unknown key"),
        ("bells: []\n", ": the key 'name' is missing"),
        ("- name: a\n", ": holds a list; a tower is a list of `key: value` lines"),
    ],
)
def test_a_problem_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "tower.yaml"
    path.write_text(text)
    with pytest.raises(YamlFileError) as error:
        load_yaml(path, Tower, "tower")
    assert str(error.value).startswith(f"{path}{said}")


def test_a_file_that_leaves_a_key_out_gets_its_default(tmp_path: Path) -> None:
    path = tmp_path / "tower.yaml"
    path.write_text("bells: []\n")
    assert load_yaml(path, Tower, "tower", name="south").name == "south"

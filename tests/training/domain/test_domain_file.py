from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from interject.config.yaml_file import YamlFileError
from interject.training.domain.domain_file import FILE_NAME, read_domain
from interject.training.domain.template import FolderTaken, write_template

if TYPE_CHECKING:
    from pathlib import Path

GOOD = "react:\n- name: bell\n  phrases: [ding dong]\n  reply: Somebody is there.\n"


def test_the_template_is_a_domain(tmp_path: Path) -> None:
    folder = tmp_path / "My Shop!"
    made = write_template(folder)
    assert all(path.exists() for path in made)
    domain = read_domain(folder)
    assert domain.name == "my-shop"
    assert [reaction.name for reaction in domain.react] == ["kettle", "open-the-gate"]


def test_what_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FolderTaken, match="is there already"):
        write_template(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD + "size: {minutes: -1}\n", "line 5: 'size.minutes' is -1"),
        (GOOD + "size: {hours: 2}\n", "unknown key 'size.hours'"),
        (GOOD.replace("bell", "a bell"), "line 2: 'react.0.name' is 'a bell'"),
        (GOOD + "  emotion: furious\n", "line 5: 'react.0.emotion' is 'furious'"),
        (GOOD.replace("  phrases: [ding dong]\n", ""), "it needs `recordings`"),
        (GOOD + GOOD.removeprefix("react:\n"), "two reactions are named bell"),
        ("react: []\n", "'react' is"),
        (GOOD + "forget: [fire_drill]\n", "nano knows no fire_drill; it knows "),
        (GOOD + "forget: [crash]\nbase: my/model\n", "`forget` is for the base nano only"),
        (GOOD + "others: forget\nbase: my/model\n", "`others: forget` is for the base nano only"),
        (GOOD + "others: maybe\n", "'others' is 'maybe'"),
        ("base: nano\n", "the key 'react' is missing"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    with pytest.raises(YamlFileError) as error:
        read_domain(tmp_path)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_folder_without_a_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(YamlFileError, match="interject train init"):
        read_domain(tmp_path)

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.training.domain.template import EXAMPLE_RECORDINGS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Outcome

    Call = Callable[..., Outcome]


def test_init_says_where_recordings_go_and_what_comes_next(interject: Call, tmp_path: Path) -> None:
    folder = tmp_path / "my-domain"
    outcome = interject("train", "init", str(folder))
    assert outcome.code == 0, outcome.err
    assert str(folder / EXAMPLE_RECORDINGS) in outcome.out
    assert f"interject train {folder}" in outcome.out


def test_init_leaves_what_is_there_alone(interject: Call, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    outcome = interject("train", "init", str(tmp_path))
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "is there already" in outcome.err


def test_a_domain_without_recordings_is_one_line(interject: Call, tmp_path: Path) -> None:
    folder = tmp_path / "my-domain"
    interject("train", "init", str(folder))
    outcome = interject("train", str(folder), "--device", "cpu")
    assert outcome.code == 2
    assert "holds 0 recordings; 4 are the fewest" in outcome.err
    assert "Traceback" not in outcome.err


def test_a_folder_that_is_not_there_says_how_to_make_one(interject: Call, tmp_path: Path) -> None:
    outcome = interject("train", str(tmp_path / "none"))
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert f"no such file or folder; `interject train init {tmp_path}/none`" in outcome.err


def test_a_folder_that_is_no_domain_says_how_to_make_one(interject: Call, tmp_path: Path) -> None:
    outcome = interject("train", str(tmp_path), "--device", "cpu")
    assert outcome.code == 2
    assert "interject train init" in outcome.err

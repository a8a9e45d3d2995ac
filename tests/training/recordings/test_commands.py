from __future__ import annotations

from typing import TYPE_CHECKING

from typer.testing import CliRunner

from interject.training.recordings.__main__ import app
from interject.training.recordings.collection import write_index
from tests.training.recordings.test_collection import recording

if TYPE_CHECKING:
    from pathlib import Path


def test_list_and_attribution_of_a_collection(tmp_path: Path) -> None:
    write_index(tmp_path, [recording()])
    listed = CliRunner().invoke(app, ["list", str(tmp_path)])
    assert "toys    sound  bell" in listed.stdout
    assert (
        "- Ann: 1 recordings, CC0" in CliRunner().invoke(app, ["attribution", str(tmp_path)]).stdout
    )


def test_no_collection_is_one_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["list", str(tmp_path)])
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert "no such file" in result.stderr


def test_a_source_that_is_unknown_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["fetch", str(tmp_path), "--source", "toys"])
    assert result.exit_code == 2
    assert "no source 'toys'" in result.stderr
    assert not list(tmp_path.iterdir())

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from interject.training.nano.examine import main
from tests.training.nano.test_recorded_scenes import bank, collection, speech

if TYPE_CHECKING:
    from pathlib import Path

app = typer.Typer()
app.command()(main)


def test_nano_is_examined_on_a_collection_and_a_bank(tmp_path: Path) -> None:
    collection(
        tmp_path / "real",
        *[speech("talk", 1.0)] * 2,
        {"label": "glass"},
        {"label": "scream"},
        {"label": "door"},
        {"label": "rain", "kind": "background", "seconds": 6.0},
    )
    bank().save(tmp_path / "ann.npz")
    command = [
        "nano", "--recordings", str(tmp_path / "real"), "--speech", str(tmp_path / "ann.npz"),
        "--requests", "1", "--json", str(tmp_path / "scores.json"),
        "--markdown", str(tmp_path / "scores.md"),
    ]  # fmt: skip
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    scores = json.loads((tmp_path / "scores.json").read_text())["0.5"]
    assert scores["speech"]["sources"]["talk"]["recordings"] == 2
    assert scores["sounds"]["ordinary"]["labels"]["door"]["of"] == 1
    assert scores["answered_sounds"]["classes"]["glass"]["asked"] == 1
    assert set(scores["requests"]["ann"]) == {"clean", "20 dB", "10 dB"}
    assert scores["requests"]["ann"]["clean"]["asked"] == 1
    assert 0 <= scores["calibration"]["error"]["value"] <= 1
    page = (tmp_path / "scores.md").read_text()
    assert "| measure | threshold 0.5 |" in page
    assert "| - talk | " in page
    assert page in result.stdout


def test_parts_of_it_and_several_thresholds(tmp_path: Path) -> None:
    collection(tmp_path, speech("talk", 1.0))
    command = ["nano", "--recordings", str(tmp_path), "--only", "speech"]
    thresholds = ["--threshold", "0.5", "--threshold", "0.8"]
    result = CliRunner().invoke(app, [*command, *thresholds])
    assert "| measure | threshold 0.5 | threshold 0.8 |" in result.stdout
    assert "answered" not in result.stdout


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "name --recordings DIR, or --cache DIR"),
        (["--recordings", "{tmp}/gone"], "no such file"),
        (["--recordings", "{tmp}", "--speech", "{tmp}/gone.npz"], "a bank of speech"),
        (["--recordings", "{tmp}", "--only", "songs"], "no set 'songs'"),
    ],
)
def test_what_cannot_be_examined_is_one_line(tmp_path: Path, given: list[str], said: str) -> None:
    collection(tmp_path, speech("talk", 1.0))
    arguments = [part.format(tmp=tmp_path) for part in given]
    result = CliRunner().invoke(app, ["nano", *arguments], env={"COLUMNS": "300"})
    assert result.exit_code == 2
    assert said in result.stderr

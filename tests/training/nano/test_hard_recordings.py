from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from interject.training.fine_tuning.failure import TrainingFailure
from interject.training.nano.hard_recordings import main, read_hardness
from interject.training.nano.recorded_stock import read_recorded
from tests.training.nano.test_recorded_scenes import collection, speech

if TYPE_CHECKING:
    from pathlib import Path

app = typer.Typer()
app.command()(main)
TRAIN = {"use": "train"}


def test_what_may_be_trained_with_and_asks_nothing_is_heard_and_noted(tmp_path: Path) -> None:
    collection(
        tmp_path / "real",
        speech("talk", 1.0, **TRAIN),
        {"label": "door", **TRAIN},
        {"label": "door"},
        {"label": "glass", **TRAIN},
        {"label": "scream", **TRAIN},
    )
    out = tmp_path / "hard.json"
    command = ["nano", "--recordings", str(tmp_path / "real"), "--out", str(out)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "of 2 would be answered" in result.stdout
    known = read_hardness(out)
    assert sorted(known) == ["toys/0.flac", "toys/1.flac"]
    assert all(0 <= p <= 1 for p in known.values())


def test_what_would_be_answered_for_sure_counts_as_ten(tmp_path: Path) -> None:
    known = collection(tmp_path, speech("talk", 1.0, **TRAIN), {"label": "door", **TRAIN})
    plain = read_recorded(known)
    assert (len(plain.speech["talk"]), len(plain.sounds["door"])) == (1, 1)
    stock = read_recorded(known, hard={"toys/0.flac": 0.3, "toys/1.flac": 1.0})
    assert (len(stock.speech["talk"]), len(stock.sounds["door"])) == (4, 10)


def test_something_else_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "hard.json"
    with pytest.raises(TrainingFailure, match=r"hard\.json: holds no hard recordings"):
        read_hardness(path)
    path.write_text(json.dumps([1, 2]))
    with pytest.raises(TrainingFailure, match="hard_recordings makes some"):
        read_hardness(path)

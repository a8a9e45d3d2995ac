"""`interject train`, on a data set on disk."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from typer.testing import CliRunner

from interject.cli.commands import app
from interject.cli.process.failures import EXIT_BAD_INPUT
from interject.cli.train.request import read_request
from interject.cli.train.running import run
from interject.config.yaml_file import YamlFileError
from interject.model_runtime.checkpoint import load_checkpoint
from tests.training.fine_tuning.runs import a_dataset, a_run, base
from tests.waiting import until

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, **settings: Any) -> Path:
    """A file whose folders are seen from its own."""
    base(folder)
    content = a_run(folder, **settings).model_dump(mode="json", exclude_none=True)
    content |= {"model": "base", "data": "data", "out": "out"}
    path = folder / "run.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def error_of(folder: Path, text: str) -> str:
    path = folder / "run.yaml"
    path.write_text(text)
    with pytest.raises(YamlFileError) as caught:
        read_request(str(path), device="cpu", json=False)
    return str(caught.value).removeprefix(f"{path}, ")


def test_a_run_says_what_came_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    a_dataset(tmp_path / "data", 6)
    path = write(tmp_path, steps=2, watch={"held_out_share": 0.3, "tensorboard": False})
    monkeypatch.chdir(tmp_path)
    assert run(read_request("run.yaml", device="cpu", json=False)) == 0
    told = capsys.readouterr()
    assert told.out.startswith("2 steps are done.\nHeld-out streams: control loss ")
    assert "interject listen SOUND --model out/model" in told.out
    assert "interject: note: step 2: control loss" in told.err
    load_checkpoint(tmp_path / "out" / "model")
    assert run(read_request(str(path), device="cpu", json=True)) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["steps"] == 2
    assert "goes on behind step 2" in told.err


def test_ctrl_c_saves_and_the_same_command_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a_dataset(tmp_path / "data", 6)
    path = write(tmp_path, steps=100_000, checkpoint_steps=100_000)
    curve = tmp_path / "out" / "curve.jsonl"

    def press() -> None:
        asyncio.run(until(lambda: curve.is_file() and curve.read_text().count("\n") >= 3))
        os.kill(os.getpid(), signal.SIGINT)

    presser = threading.Thread(target=press)
    presser.start()
    code = run(read_request(str(path), device="cpu", json=False))
    presser.join()
    assert code == 128 + signal.SIGINT
    told = capsys.readouterr().err
    assert "the same command goes on from there" in told
    steps = curve.read_text().count("\n")
    path = write(tmp_path, steps=steps + 1)
    assert run(read_request(str(path), device="cpu", json=False)) == 0
    assert f"goes on behind step {steps}" in capsys.readouterr().err
    assert curve.read_text().count("\n") == steps + 1


def test_errors_name_line_and_key(tmp_path: Path) -> None:
    needed = "data: d\nout: o\n"
    assert error_of(tmp_path, needed + "step: 3\n") == (
        "line 3: unknown key 'step'; the nearest valid key is 'steps'"
    )
    assert error_of(tmp_path, needed + "optimiser:\n  clip: 0\n") == (
        "line 4: 'optimiser.clip' is 0; it must be greater than 0"
    )
    assert "line 3: 'stage' is 'fifth'; it must be 'format', 'adapter'" in error_of(
        tmp_path, needed + "stage: fifth\n"
    )
    assert "changes the decoder, which stage adapter does not train" in error_of(
        tmp_path, needed + "stage: adapter\nmethod: lora\n"
    )
    path = tmp_path / "run.yaml"
    assert error_of(tmp_path, "out: o\n").removeprefix(f"{path}: ") == "the key 'data' is missing"


def test_a_number_may_be_written_as_people_write_it(tmp_path: Path) -> None:
    """YAML takes `1e-4` for text."""
    path = tmp_path / "run.yaml"
    path.write_text("data: d\nout: o\nlearning_rate: 1e-4\n")
    assert read_request(str(path), device="cpu", json=False).run.learning_rate == 1e-4


def test_nothing_to_learn_from_is_one_line_and_code_2(tmp_path: Path) -> None:
    path = write(tmp_path)
    done = CliRunner().invoke(app, ["train", str(path), "--device", "cpu"])
    assert done.exit_code == EXIT_BAD_INPUT
    assert done.stderr == f"interject: {tmp_path}/data: there is no such folder\n"
    done = CliRunner().invoke(app, ["train", str(tmp_path / "none.yaml")])
    assert done.exit_code == EXIT_BAD_INPUT
    assert done.stderr == f"interject: {tmp_path}/none.yaml: no such file\n"


def test_a_missing_wandb_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_dataset(tmp_path / "data", 3)
    path = write(tmp_path, watch={"wandb_project": "mine"})
    monkeypatch.setitem(sys.modules, "wandb", None)
    done = CliRunner().invoke(app, ["train", str(path), "--device", "cpu"])
    assert done.exit_code == EXIT_BAD_INPUT
    assert done.stderr.splitlines()[-1] == (
        "interject: watch.wandb_project needs wandb: pip install wandb, or leave it out"
    )

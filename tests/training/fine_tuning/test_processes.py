"""Two processes, started by `torchrun`, compute what one does.

It compares what a network computes, but is not marked `numerics`: importing PyTorch in three
processes takes longer than computing does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from safetensors.torch import load_file

from interject.model_runtime.checkpoint import load_checkpoint
from interject.model_runtime.rounding import assert_same, decoder_terms
from interject.training.dataset.dataset import Dataset
from interject.training.fine_tuning.process_group import ProcessGroup
from interject.training.fine_tuning.run import TrainingEvents, train
from tests.training.fine_tuning.runs import CPU, a_dataset, a_run

if TYPE_CHECKING:
    from interject.training.fine_tuning.trainer import StepReport


def curve(out: Path, name: str) -> list[float]:
    lines = [json.loads(line) for line in (out / "curve.jsonl").read_text().splitlines()]
    return [line[name] for line in lines if name in line]


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_two_processes_train_what_one_does(tmp_path: Path) -> None:
    data = a_dataset(tmp_path / "data", 9)
    watch = {"tensorboard": False, "held_out_share": 0.3, "every_steps": 2}
    # So large an eps makes AdamW's steps proportional to gradients: else it would enlarge what
    # rounding leaves of those that are zero.
    settings = {"data": str(data), "steps": 3, "watch": watch, "learning_rate": 0.3}
    settings["optimiser"] = {"eps": 1.0}
    alone = a_run(tmp_path, out=str(tmp_path / "alone"), **settings)
    outcome = train(alone, Dataset(data), CPU, ProcessGroup())
    assert outcome.model is not None

    config = tmp_path / "two.yaml"
    two = a_run(tmp_path, out=str(tmp_path / "two"), recompute=True, **settings)
    config.write_text(yaml.safe_dump(two.model_dump(mode="json", exclude_none=True)))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "2", "-m", "interject", "train", str(config)),
            *("--device", "cpu", "--json"),
        ],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert told["steps"] == 3

    shape = load_checkpoint(outcome.model).config.decoder
    terms = 2 * decoder_terms(shape, 80)
    for name in ("train/loss", "train/gradient_norm", "held_out/control_loss"):
        found, expected = curve(tmp_path / "two", name), curve(tmp_path / "alone", name)
        assert len(found) == len(expected) > 0
        assert_same(found, expected, terms=terms, condition=10.0)
    mine, theirs = (
        load_file(Path(folder) / "model.safetensors") for folder in (told["model"], outcome.model)
    )
    before = load_file(tmp_path / "base" / "model.safetensors")
    assert (theirs["decoder.norm.weight"] - before["decoder.norm.weight"]).abs().max() > 1e-3
    for name, weight in theirs.items():
        assert_same(mine[name], weight, terms=terms, condition=10.0)

    steps: list[StepReport] = []
    longer = two.model_copy(update={"steps": 4})
    events = TrainingEvents(stepped=steps.append)
    train(longer, Dataset(data), CPU, ProcessGroup(), events=events)
    assert [report.step for report in steps] == [3]

"""The curve of a run: lines of JSON, TensorBoard, and Weights & Biases where it is asked for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

from interject.training.fine_tuning.disk import writing
from interject.training.fine_tuning.failure import TrainingFailure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from interject.training.fine_tuning.settings import TrainingRun

CURVE_NAME = "curve.jsonl"
TENSORBOARD_NAME = "tensorboard"


class CurveWriter(Protocol):
    """Someone who keeps numbers by step."""

    def add(self, step: int, numbers: Mapping[str, float]) -> None:
        """Named like `train/loss`."""

    def close(self) -> None:
        """Write what is left."""


class JsonCurve:
    """One line a step. Lines of steps that were lost with a killed process go."""

    def __init__(self, folder: Path, *, first_step: int) -> None:
        self._path = folder / CURVE_NAME
        if self._path.is_file():
            lines = self._path.read_text().splitlines(keepends=True)
            kept = [line for line in lines if _step_of(line) < first_step]
            self._path.write_text("".join(kept))

    def add(self, step: int, numbers: Mapping[str, float]) -> None:
        with (
            writing(self._path, kept="the checkpoints of the run are whole"),
            self._path.open("a") as file,
        ):
            file.write(json.dumps({"step": step, **numbers}) + "\n")

    def close(self) -> None:
        """Each line is written at once."""


class TensorboardCurve:
    """For `tensorboard --logdir`."""

    def __init__(self, folder: Path, *, first_step: int) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise TrainingFailure(
                "watch.tensorboard needs tensorboard: pip install 'interject[train]', or set it "
                "to false"
            ) from error
        self._writer: Any = SummaryWriter(str(folder / TENSORBOARD_NAME), purge_step=first_step)

    def add(self, step: int, numbers: Mapping[str, float]) -> None:
        for name, value in numbers.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        self._writer.close()


class WandbCurve:
    """Weights & Biases is imported only here."""

    def __init__(self, run: TrainingRun, project: str) -> None:
        try:
            import wandb
        except ImportError as error:
            raise TrainingFailure(
                "watch.wandb_project needs wandb: pip install wandb, or leave it out"
            ) from error
        self._run: Any = wandb.init(
            project=project, dir=run.out, config=run.model_dump(mode="json"), resume="allow"
        )

    def add(self, step: int, numbers: Mapping[str, float]) -> None:
        self._run.log(dict(numbers), step=step)

    def close(self) -> None:
        self._run.finish()


def open_curves(run: TrainingRun, folder: Path, *, first_step: int) -> list[CurveWriter]:
    """Those that a run asks for.

    :raises TrainingFailure: when one is asked for that is not installed.
    """
    curves: list[CurveWriter] = [JsonCurve(folder, first_step=first_step)]
    if run.watch.tensorboard:
        curves.append(TensorboardCurve(folder, first_step=first_step))
    if run.watch.wandb_project is not None:
        curves.append(WandbCurve(run, run.watch.wandb_project))
    return curves


def _step_of(line: str) -> int:
    """A line that was cut off when the process died is of no step."""
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError):
        return 2**63

"""What `interject train` was asked to do, checked before anything is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from interject.config.yaml_file import load_yaml
from interject.model_runtime.device_choice import DeviceChoice
from interject.training.fine_tuning.settings import TrainingRun

_KIND = "training run"
_SHIPPED = "nano"


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """A checked request. Every folder in `run` is seen from where the command is run."""

    run: TrainingRun
    choice: DeviceChoice
    json: bool


def read_request(config: str, *, device: str, json: bool) -> TrainRequest:
    """:raises YamlFileError: for what the file must not say, with its line.
    :raises RuntimeFailure: when the device is none.
    """
    path = Path(config).expanduser()
    run = load_yaml(path, TrainingRun, _KIND)
    return TrainRequest(_seen_from(path.parent, run), DeviceChoice(device), json)


def _seen_from(folder: Path, run: TrainingRun) -> TrainingRun:
    held_out = run.watch.held_out_data
    watch = {"held_out_data": None if held_out is None else str(folder / held_out)}
    changes = {
        "model": run.model if run.model == _SHIPPED else str(folder / run.model),
        "data": str(folder / run.data),
        "out": str(folder / run.out),
        "watch": run.watch.model_copy(update=watch),
    }
    return run.model_copy(update=changes)

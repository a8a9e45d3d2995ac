"""From a training run's settings to its model: what `interject train` does."""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from interject.model_runtime.checkpoint import fingerprint, load_checkpoint
from interject.training.fine_tuning.data_order import DataOrder, split_held_out
from interject.training.fine_tuning.failure import TrainingFailure
from interject.training.fine_tuning.held_out import HeldOutPart, HeldOutResult
from interject.training.fine_tuning.lora import add_lora
from interject.training.fine_tuning.run_checkpoints import RunCheckpoints
from interject.training.fine_tuning.run_log import open_curves
from interject.training.fine_tuning.saved_model import save_result
from interject.training.fine_tuning.stages import TrainablePart
from interject.training.fine_tuning.tower_cache import CachedHearing
from interject.training.fine_tuning.trained_weights import (
    choose_trained,
    make_optimiser,
    new_rows_only,
)
from interject.training.fine_tuning.trainer import FineTuner, StepReport
from interject.training.fine_tuning.training_data import TrainingData
from interject.training.sequences.hearing import DirectHearing
from interject.training.sequences.packed_model import PackedModel
from interject.training.sequences.sequence_writer import SequenceWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from interject.model_runtime.checkpoint import Model
    from interject.model_runtime.resolved_device import ResolvedDevice
    from interject.training.fine_tuning.process_group import ProcessGroup
    from interject.training.fine_tuning.settings import TrainingRun
    from interject.training.fine_tuning.training_data import StreamStore
    from interject.training.sequences.hearing import Hearing

RUN_NAME, CHECKPOINTS_NAME, CACHE_NAME = "run.json", "checkpoints", "cache"
_MAY_CHANGE = {
    "out", "steps", "minutes", "watch", "checkpoint_steps", "keep_checkpoints", "save_dtype",
    "cache", "recompute", "precision",
}  # fmt: skip
"""Settings that another run in the same folder may have and still go on."""


@dataclass(frozen=True, slots=True)
class TrainingOutcome:
    """`model` is what `interject listen --model` takes; None: the run was stopped before its end.
    `held_out` is the last measurement.
    """

    steps: int
    model: Path | None
    held_out: HeldOutResult | None


@dataclass(frozen=True, slots=True)
class TrainingEvents:
    """Whom to tell what. `begun` gets the steps that are done already, and streams left out."""

    begun: Callable[[int, int], None] = lambda _done, _left_out: None
    stepped: Callable[[StepReport], None] = lambda _report: None
    measured: Callable[[int, HeldOutResult], None] = lambda _step, _result: None


def train(
    run: TrainingRun,
    store: StreamStore,
    resolved: ResolvedDevice,
    group: ProcessGroup,
    *,
    held_out_store: StreamStore | None = None,
    events: TrainingEvents | None = None,
    stop: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
) -> TrainingOutcome:
    """Begin a run, or go on with the one in `run.out`.

    :raises TrainingFailure: in one line, when it cannot begin or go on.
    :raises CheckpointError: when the base cannot be loaded.
    """
    told, folder = events or TrainingEvents(), Path(run.out)
    torch.manual_seed(run.seed)
    base = load_checkpoint(run.model, device=resolved.device)
    writer = SequenceWriter(
        base,
        most_chunks=run.most_chunks,
        most_positions=run.most_positions,
        system_prompt=run.system_prompt,
    )
    data = TrainingData(store, writer, run.layout)
    learnt, held_out = _split(run, data, held_out_store, base, group)
    base_name = fingerprint(base)
    _claim(folder, run, base_name, learnt, group)
    model, optimiser = _prepared(run, base, folder, resolved, group)
    order = DataOrder(
        {name: data.sizes[name] for name in learnt},
        seed=run.seed,
        streams_per_step=run.step_streams,
        streams_per_device=run.device_streams,
        world=group.world,
    )
    tuner = FineTuner(
        run,
        model,
        optimiser,
        data,
        order,
        group,
        RunCheckpoints(folder / CHECKPOINTS_NAME, keep=run.keep_checkpoints),
        autocast=_autocast(run, resolved),
        clock=clock,
    )
    tuner.resume()
    told.begun(tuner.step, data.left_out)
    result = _run(run, tuner, model, held_out, resolved.device, folder, group, told, stop)
    if tuner.progress < 1.0:
        return TrainingOutcome(tuner.step, None, result)
    weights = tuner.weights()
    saved = save_result(run, folder, weights, base_name) if group.leads else None
    return TrainingOutcome(tuner.step, group.told(saved), result)


def _run(
    run: TrainingRun,
    tuner: FineTuner,
    model: PackedModel,
    held_out: HeldOutPart,
    device: torch.device,
    folder: Path,
    group: ProcessGroup,
    told: TrainingEvents,
    stop: Callable[[], bool],
) -> HeldOutResult | None:
    """The steps. A run that is stopped is saved, and so is one that is over."""
    result, measured_at, saved_at = None, -1, tuner.step

    def measure() -> HeldOutResult:
        found = held_out.measure(model, device)
        for curve in curves:
            curve.add(tuner.step - 1, {f"held_out/{k}": v for k, v in found.numbers().items()})
        told.measured(tuner.step, found)
        return found

    with ExitStack() as closing:
        curves = open_curves(run, folder, first_step=tuner.step) if group.leads else []
        for curve in curves:
            closing.callback(curve.close)
        for report in tuner.steps(stop):
            for curve in curves:
                numbers = {f"train/{k}": v for k, v in report.numbers().items()}
                curve.add(report.step, numbers)
            told.stepped(report)
            if held_out.stream_ids and tuner.step % run.watch.every_steps == 0:
                result, measured_at = measure(), tuner.step
            if tuner.step % run.checkpoint_steps == 0:
                tuner.save()
                saved_at = tuner.step
        if saved_at != tuner.step:
            tuner.save()
        if held_out.stream_ids and measured_at != tuner.step and tuner.progress >= 1.0:
            result = measure()
    return result


def _split(
    run: TrainingRun,
    data: TrainingData,
    held_out_store: StreamStore | None,
    base: Model,
    group: ProcessGroup,
) -> tuple[list[str], HeldOutPart]:
    """Streams to learn from, and those to measure on."""
    watch, names = run.watch, list(data.sizes)
    if held_out_store is None:
        learnt, kept = split_held_out(names, watch.held_out_share)
        measured = data
    else:
        measured = TrainingData(held_out_store, data.writer, run.layout)
        learnt, kept = names, sorted(measured.sizes)
    part = HeldOutPart(
        measured,
        kept[: watch.most_held_out],
        group,
        streams_a_pass=run.device_streams,
        threshold=watch.threshold,
        late_chunks=watch.late_chunks,
        respond_token=base.config.layout.text_begin,
    )
    return learnt, part


def _prepared(
    run: TrainingRun, base: Model, folder: Path, resolved: ResolvedDevice, group: ProcessGroup
) -> tuple[PackedModel, torch.optim.Optimizer]:
    """The model with what it learns made trainable, spread over the group, and its optimiser."""
    frozen = TrainablePart.TOWER not in run.parts
    hearing: Hearing = DirectHearing(base.config, frozen=frozen)
    if frozen and run.cache:
        precision = str(_autocast(run, resolved) or torch.float32)
        hearing = CachedHearing(base, folder / CACHE_NAME, precision=precision)
    if run.method == "lora":
        add_lora(base.decoder, run.lora)
    model = PackedModel(
        base, hearing, new_rows_only=new_rows_only(run.parts), recompute=run.recompute
    )
    choose_trained(model, run.parts)
    model.train()
    group.shard(model)
    return model, make_optimiser(model, run.parts, run.optimiser, run.rate)


def _autocast(run: TrainingRun, resolved: ResolvedDevice) -> torch.dtype | None:
    """The weights stay in float32, products are computed in this."""
    wanted = {"auto": resolved.dtype, "bfloat16": torch.bfloat16, "float32": torch.float32}
    dtype = wanted[run.precision]
    return None if dtype is torch.float32 else dtype


def _claim(
    folder: Path, run: TrainingRun, base: str, learnt: Sequence[str], group: ProcessGroup
) -> None:
    """Write down what the folder's run is, or see that this one goes on with it. Model and data are
    known by what they hold, not by where they lie.

    :raises TrainingFailure: when it is another run's.
    """
    streams = hashlib.sha256(" ".join(sorted(learnt)).encode()).hexdigest()
    mine = {**run.model_dump(mode="json", exclude=_MAY_CHANGE), "model": base, "data": streams}
    problem = _difference(folder, mine) if group.leads else None
    problem = group.told(problem)
    if problem is not None:
        raise TrainingFailure(problem)


def _difference(folder: Path, mine: dict[str, Any]) -> str | None:
    path = folder / RUN_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        before = json.loads(path.read_text()) if path.is_file() else mine
        path.write_text(json.dumps(before, indent=1) + "\n")
    except (OSError, ValueError) as error:
        return f"{path}: cannot be read or written ({error})"
    differing = next((key for key in mine if before.get(key) != mine[key]), None)
    if differing is None:
        return None
    return (
        f"{folder}: holds a run with another `{differing}`; name another folder in `out`, or "
        "remove this one"
    )

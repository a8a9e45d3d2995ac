"""From a training run's settings to its model: what `interject train` does."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from interject.model_runtime.checkpoint import fingerprint, load_checkpoint
from interject.training.fine_tuning.data_order import DataOrder, split_held_out
from interject.training.fine_tuning.held_out import HeldOutPart
from interject.training.fine_tuning.lora import add_lora
from interject.training.fine_tuning.precision import products_dtype
from interject.training.fine_tuning.run_checkpoints import RunCheckpoints
from interject.training.fine_tuning.run_folder import claimed
from interject.training.fine_tuning.run_log import open_curves
from interject.training.fine_tuning.saved_model import save_result
from interject.training.fine_tuning.stages import TrainablePart
from interject.training.fine_tuning.tower_cache import CachedHearing
from interject.training.fine_tuning.trained_weights import (
    choose_trained,
    make_optimiser,
    new_rows_only,
)
from interject.training.fine_tuning.trainer import FineTuner
from interject.training.fine_tuning.training_data import TrainingData
from interject.training.sequences.hearing import DirectHearing
from interject.training.sequences.packed_model import PackedModel
from interject.training.sequences.sequence_writer import SequenceWriter

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.model_runtime.checkpoint import Model
    from interject.model_runtime.resolved_device import ResolvedDevice
    from interject.training.fine_tuning.held_out import HeldOutResult
    from interject.training.fine_tuning.process_group import ProcessGroup
    from interject.training.fine_tuning.run_log import CurveWriter
    from interject.training.fine_tuning.settings import TrainingRun
    from interject.training.fine_tuning.trainer import StepReport
    from interject.training.fine_tuning.training_data import StreamStore
    from interject.training.sequences.hearing import Hearing

CHECKPOINTS_NAME, CACHE_NAME = "checkpoints", "cache"


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
    """Whom to tell what. `begun` gets the steps that are done already, and streams left out;
    `passed` a step, and how many of its passes are yet to come.
    """

    begun: Callable[[int, int], None] = lambda _done, _left_out: None
    passed: Callable[[int, int], None] = lambda _step, _left: None
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
    base = load_checkpoint(run.model, device=resolved.device, grouping=run.grouping)
    writer = SequenceWriter(
        base,
        most_chunks=run.most_chunks,
        most_positions=run.most_positions,
        system_prompt=run.system_prompt,
    )
    data = TrainingData(store, writer, run.layout, late_share=run.late_share)
    learnt, held_out = _split(run, data, held_out_store, base, group)
    base_name = fingerprint(base)
    with claimed(folder, run, base_name, learnt, group):
        model, optimiser = _prepared(run, base, folder, resolved, group)
        order = DataOrder(
            {name: data.sizes[name] for name in learnt},
            seed=run.seed,
            streams_per_step=run.step_streams,
            streams_per_device=run.device_streams,
            world=group.world,
        )
        checkpoints = RunCheckpoints(folder / CHECKPOINTS_NAME, keep=run.keep_checkpoints)
        tuner = FineTuner(
            run,
            model,
            optimiser,
            data,
            order,
            group,
            checkpoints,
            clock=clock,
            passed=told.passed,
        )
        tuner.resume()
        told.begun(tuner.step, data.left_out)
        with ExitStack() as closing:
            curves = open_curves(run, folder, first_step=tuner.step) if group.leads else []
            for curve in curves:
                closing.callback(curve.close)
            watched = _WatchedSteps(run, tuner, model, held_out, told, tuple(curves))
            with tuner.rescued():
                result = watched.run(stop)
        if tuner.progress < 1.0:
            return TrainingOutcome(tuner.step, None, result)
        weights = tuner.weights()
        saved = save_result(run, folder, weights, base_name) if group.leads else None
        return TrainingOutcome(tuner.step, group.told(saved), result)


@dataclass(frozen=True, slots=True)
class _WatchedSteps:
    """The steps of a run, with what is measured, noted and saved between them."""

    _run: TrainingRun
    _tuner: FineTuner
    _model: PackedModel
    _held_out: HeldOutPart
    _told: TrainingEvents
    _curves: tuple[CurveWriter, ...]

    def run(self, stop: Callable[[], bool]) -> HeldOutResult | None:
        """The last measurement. A run that is stopped is saved, and so is one that is over."""
        tuner, result = self._tuner, None
        measured_at = saved_at = tuner.step
        for report in tuner.steps(stop):
            self._note(report.step, "train", report.numbers())
            self._told.stepped(report)
            if tuner.step % self._run.watch.every_steps == 0:
                result, measured_at = self._measure(), tuner.step
            if tuner.step % self._run.checkpoint_steps == 0:
                tuner.save()
                saved_at = tuner.step
        if saved_at != tuner.step:
            tuner.save()
        over = tuner.progress >= 1.0
        return self._measure() if over and (result is None or measured_at != tuner.step) else result

    def _measure(self) -> HeldOutResult | None:
        if not self._held_out.stream_ids:
            return None
        result = self._held_out.measure(self._model)
        self._note(self._tuner.step - 1, "held_out", result.numbers())
        self._told.measured(self._tuner.step, result)
        return result

    def _note(self, step: int, kind: str, numbers: dict[str, float]) -> None:
        for curve in self._curves:
            curve.add(step, {f"{kind}/{name}": value for name, value in numbers.items()})


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
    frozen, products = TrainablePart.TOWER not in run.parts, products_dtype(run.precision, resolved)
    hearing: Hearing = DirectHearing(base.config, frozen=frozen)
    if frozen and run.cache:
        precision = str(products or torch.float32)
        hearing = CachedHearing(base, folder / CACHE_NAME, precision=precision)
    if run.method == "lora":
        add_lora(base.decoder, run.lora)
    model = PackedModel(
        base,
        hearing,
        products=products,
        new_rows_only=new_rows_only(run.parts),
        recompute=run.recompute,
    )
    choose_trained(model, run.parts)
    model.train()
    group.shard(model)
    return model, make_optimiser(model, run.parts, run.optimiser, run.rate)

"""Whole runs of a small model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import torch
from safetensors.torch import load_file

from interject.model_runtime.checkpoint import (
    CheckpointError,
    fingerprint,
    load_checkpoint,
    save_native,
)
from interject.model_runtime.device_choice import DeviceChoice
from interject.model_runtime.resolved_device import resolve_device
from interject.model_runtime.rounding import assert_same, decoder_terms
from interject.training.fine_tuning.data_order import split_held_out
from interject.training.fine_tuning.failure import TrainingFailure
from interject.training.fine_tuning.precision import products_dtype
from interject.training.fine_tuning.process_group import ProcessGroup
from interject.training.fine_tuning.run import TrainingEvents, train
from interject.training.fine_tuning.run_folder import claimed
from interject.training.fine_tuning.stages import PRESETS, TrainingStage
from tests.training.fine_tuning.runs import (
    CPU,
    MemoryStore,
    a_run,
    base,
    go,
    some_streams,
    stopping_after,
)
from tests.training.sequences.streams import stream, turn

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from interject.training.fine_tuning.trainer import StepReport


def weights(folder: Path) -> dict[str, Tensor]:
    return load_file(folder / "model.safetensors")


def changed(folder: Path, before: Path) -> set[str]:
    """The names of the weights that are not the same bits."""
    mine, theirs = weights(folder), weights(before)
    assert mine.keys() == theirs.keys()
    return {name for name in mine if not torch.equal(mine[name], theirs[name])}


@pytest.mark.parametrize("stage", list(TrainingStage))
def test_a_stage_changes_its_parts_and_nothing_else(stage: TrainingStage, tmp_path: Path) -> None:
    streams = [stream(3, turn(1, "Hi", user="What?"), name=f"s{n}", seed=n) for n in range(4)]
    run = a_run(tmp_path, stage=stage, steps=2, learning_rate=1e-2)
    outcome = go(run, MemoryStore(*streams))
    assert outcome.model is not None
    found = changed(outcome.model, base(tmp_path))
    adapter = {"tower.proj.weight", "tower.proj.bias"}
    if stage is TrainingStage.FORMAT:
        assert found == {"decoder.head.weight", "decoder.embedding.weight"}
        rows = weights(outcome.model)["decoder.embedding.weight"]
        before = weights(base(tmp_path))["decoder.embedding.weight"]
        touched = set((rows != before).any(1).nonzero().flatten().tolist())
        named = load_checkpoint(base(tmp_path)).config.layout.named_ids()
        assert touched
        assert touched <= set(named.values())
    elif stage is TrainingStage.ADAPTER:
        assert found == adapter
    else:
        decoder = {n for n in weights(base(tmp_path)) if n.startswith("decoder.")}
        assert found == adapter | decoder


def test_a_base_is_put_into_groups_and_learns_with_them(tmp_path: Path) -> None:
    """From the identity; in the stage that trains the adapter, nothing else changes."""
    run = a_run(tmp_path, stage="adapter", steps=2, learning_rate=1e-2, grouping=5)
    streams = [stream(3, turn(1, "Hi", user="What?"), name=f"s{n}", seed=n) for n in range(4)]
    outcome = go(run, MemoryStore(*streams))
    assert outcome.model is not None
    model = load_checkpoint(outcome.model)
    assert model.config == load_checkpoint(base(tmp_path)).config.with_grouping(5)
    assert model.tower.grouping is not None
    assert not torch.equal(model.tower.grouping.weight, torch.eye(48))
    mine, before = weights(outcome.model), weights(base(tmp_path))
    assert mine.keys() - before.keys() == {"tower.grouping.weight"}
    differs = {name for name in before if not torch.equal(mine[name], before[name])}
    assert differs == {"tower.proj.weight", "tower.proj.bias"}
    again = go(a_run(tmp_path, model=str(outcome.model), out=str(tmp_path / "more"), grouping=5))
    assert again.model is not None
    other = a_run(tmp_path, model=str(outcome.model), out=str(tmp_path / "other"), grouping=2)
    with pytest.raises(CheckpointError, match="groups by 5 already, not by 2"):
        go(other)


def test_the_stages_have_the_paper_s_figures() -> None:
    figures = {
        stage: (p.learning_rate, p.steps, p.streams_per_device, p.streams_per_step)
        for stage, p in PRESETS.items()
    }
    assert figures == {
        TrainingStage.FORMAT: (1e-4, 5_000, 8, 512),
        TrainingStage.ADAPTER: (1e-4, 20_000, 8, 1_024),
        TrainingStage.STREAMING: (5e-5, 80_000, 4, 1_024),
        TrainingStage.INSTRUCTION: (1e-5, 15_000, 2, 1_024),
    }
    accumulated = [p.streams_per_step / 32 / p.streams_per_device for p in PRESETS.values()]
    assert accumulated == [2, 4, 8, 16]


@pytest.mark.numerics
def test_a_step_does_not_depend_on_how_its_streams_are_shared_out(tmp_path: Path) -> None:
    """The loss is a mean over all that teaches in the step, not a mean of means."""
    losses, norms = [], []
    for streams_per_device in (1, 2, 6):
        steps: list[StepReport] = []
        run = a_run(
            tmp_path, out=str(tmp_path / f"out{streams_per_device}"), steps=1,
            streams_per_device=streams_per_device, streams_per_step=6,
        )  # fmt: skip
        go(run, steps=steps)
        losses.append(steps[0].loss)
        norms.append(steps[0].gradient_norm)
    terms = 2 * decoder_terms(load_checkpoint(base(tmp_path)).config.decoder, 60)
    assert_same(losses[1:], [losses[0]] * 2, terms=terms)
    assert_same(norms[1:], [norms[0]] * 2, terms=terms, condition=3.0)


@pytest.mark.parametrize(
    ("method", "precision"), [("full", "float32"), ("lora", "float32"), ("full", "bfloat16")]
)
def test_a_run_that_was_stopped_goes_on_bit_for_bit(
    method: str, precision: str, tmp_path: Path
) -> None:
    """Also the random numbers: LoRA drops some of its inputs out."""
    settings: dict[str, Any] = {"steps": 5, "method": method, "precision": precision}
    settings["lora"] = {"dropout": 0.2, "save": "merged"}
    straight: list[StepReport] = []
    whole = go(a_run(tmp_path, out=str(tmp_path / "straight"), **settings), steps=straight)
    first: list[StepReport] = []
    second: list[StepReport] = []
    run = a_run(tmp_path, **settings)
    # Asked before each of a step's two passes: this is in the middle of the third step.
    stopped = go(run, steps=first, stop=stopping_after(5))
    assert (stopped.steps, stopped.model) == (2, None)
    resumed = go(run, steps=second)
    assert [s.step for s in (*first, *second)] == [0, 1, 2, 3, 4]
    assert [s.loss for s in (*first, *second)] == [s.loss for s in straight]
    assert whole.model is not None
    assert resumed.model is not None
    assert changed(resumed.model, whole.model) == set()


def test_every_pass_is_told(tmp_path: Path) -> None:
    passed: list[tuple[int, int]] = []
    events = TrainingEvents(passed=lambda step, left: passed.append((step, left)))
    run = a_run(tmp_path, steps=2, streams_per_step=5)
    train(run, MemoryStore(*some_streams()), CPU, ProcessGroup(), events=events)
    assert passed == [(0, 2), (0, 1), (0, 0), (1, 2), (1, 1), (1, 0)]


def test_a_run_that_is_over_is_not_trained_again(tmp_path: Path) -> None:
    run = a_run(tmp_path, steps=2)
    go(run)
    again: list[StepReport] = []
    assert go(run, steps=again).steps == 2
    assert again == []


def test_a_folder_of_another_run_is_refused(tmp_path: Path) -> None:
    go(a_run(tmp_path, steps=1))
    with pytest.raises(TrainingFailure, match="holds a run with another `seed`"):
        go(a_run(tmp_path, steps=1, seed=2))
    with pytest.raises(TrainingFailure, match="holds a run with another `data`"):
        go(a_run(tmp_path, steps=1), MemoryStore(*some_streams(3)))
    go(a_run(tmp_path, steps=2))


def test_two_runs_never_share_a_folder(tmp_path: Path) -> None:
    run = a_run(tmp_path, steps=1)
    go(run)
    model = load_checkpoint(base(tmp_path))
    learnt = [s.stream_id for s in some_streams()]
    with (
        claimed(tmp_path / "out", run, fingerprint(model), learnt, ProcessGroup()),
        pytest.raises(TrainingFailure, match="another process trains there"),
    ):
        go(run)
    go(run)


def test_products_are_in_what_the_device_has_instructions_for() -> None:
    cpu = resolve_device(DeviceChoice("cpu"))
    assert products_dtype("float32", cpu) is None
    assert products_dtype("bfloat16", cpu) is torch.bfloat16
    assert products_dtype("auto", cpu) in (None, torch.bfloat16)


def test_a_loss_that_is_no_number_stops_the_run_and_names_the_streams(tmp_path: Path) -> None:
    """One token of the base has no numbers: only the stream that says it is at fault."""
    poisoned = load_checkpoint(base(tmp_path))
    poisoned.decoder.embedding.weight.data[ord("Z") - 33] = torch.nan
    save_native(poisoned, tmp_path / "poisoned")
    streams = [*some_streams(5), stream(3, turn(1, "Zz"), name="culprit")]
    run = a_run(
        tmp_path, model=str(tmp_path / "poisoned"), steps=20, checkpoint_steps=1, seed=2,
        streams_per_step=2, streams_per_device=1,
    )  # fmt: skip
    steps: list[StepReport] = []
    with pytest.raises(TrainingFailure) as caught:
        go(run, MemoryStore(*streams), steps=steps)
    last = tmp_path / "out" / "checkpoints" / f"step-{len(steps):09d}"
    assert str(caught.value) == (
        f"step {len(steps)}: the loss is not finite in the batch of the streams culprit; stopped "
        f"there, the last good checkpoint is {last}"
    )
    state = torch.load(last / "state.pt", weights_only=True)
    assert state["step"] == len(steps) > 0
    learnt = {n: t for n, t in state["weights"].items() if n != "decoder.embedding.weight"}
    assert all(bool(t.isfinite().all()) for t in learnt.values())


def test_what_cannot_be_read_ends_the_run_and_costs_no_step(tmp_path: Path) -> None:
    streams = some_streams(4)
    run = a_run(tmp_path, steps=40, streams_per_step=1, streams_per_device=1)
    order: list[StepReport] = []
    with pytest.raises(OSError, match="Input/output error") as caught:
        go(run, MemoryStore(*streams, broken=["s2"]), steps=order)
    assert caught.value.filename == "shard of s2"
    mended: list[StepReport] = []
    go(run, MemoryStore(*streams), steps=mended, stop=stopping_after(1))
    assert mended[0].step == len(order)


def test_held_out_streams_that_cannot_be_read_cost_no_step_either(tmp_path: Path) -> None:
    streams = some_streams(4)
    _, held_out = split_held_out([s.stream_id for s in streams], 0.3)
    watch = {"tensorboard": False, "held_out_share": 0.3, "every_steps": 2}
    run = a_run(tmp_path, steps=40, watch=watch)
    with pytest.raises(OSError, match="Input/output error"):
        go(run, MemoryStore(*streams, broken=held_out))
    mended: list[StepReport] = []
    go(run, MemoryStore(*streams), steps=mended, stop=stopping_after(2))
    assert mended[0].step == 2


def test_the_data_must_hold_something_to_learn_from(tmp_path: Path) -> None:
    with pytest.raises(TrainingFailure, match=r"no stream to learn from \(1 have not one answer"):
        go(a_run(tmp_path, stage="adapter"), MemoryStore(stream(2)))
    with pytest.raises(TrainingFailure, match="holds no stream"):
        go(a_run(tmp_path), MemoryStore())


def test_a_missing_base_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such directory"):
        go(a_run(tmp_path, model=str(tmp_path / "nothing")))


def test_time_can_rule_a_run(tmp_path: Path) -> None:
    steps: list[StepReport] = []
    outcome = go(a_run(tmp_path, steps=None, minutes=0.01), steps=steps)
    assert outcome.model is not None
    assert steps[-1].progress == 1.0
    assert steps[0].learning_rate == 0.0


def test_late_replies_are_learnt_and_not_measured(tmp_path: Path) -> None:
    heard = [stream(4, turn(2, "Hi"), name=f"s{n}", seed=n) for n in range(6)]
    run = a_run(tmp_path, steps=1, late_share=1.0, watch={"held_out_share": 0.4})
    outcome = go(run, MemoryStore(*heard))
    curve = (tmp_path / "out" / "curve.jsonl").read_text().splitlines()
    learnt = next(json.loads(line) for line in curve if "train/positions" in line)
    assert learnt["train/text_loss"] > 0
    assert outcome.held_out is not None
    assert outcome.held_out.control.decisions % 4 == 0


def test_the_curve_has_a_line_a_step_and_is_cut_where_a_run_goes_on(tmp_path: Path) -> None:
    run = a_run(tmp_path, steps=6, checkpoint_steps=2, watch={"held_out_share": 0.3})
    go(run, stop=stopping_after(3))
    curve = tmp_path / "out" / "curve.jsonl"
    with curve.open("a") as file:
        file.write('{"step": 3, "train/loss": 9.0}\n{"step": 4, "tr')
    go(run)
    lines = [json.loads(line) for line in curve.read_text().splitlines()]
    trained = [line["step"] for line in lines if "train/loss" in line]
    assert trained == [0, 1, 2, 3, 4, 5]
    assert any("held_out/control_loss" in line for line in lines)
    assert list((tmp_path / "out" / "tensorboard").glob("events.*"))


def test_a_full_disk_ends_a_run_in_one_line(tmp_path: Path, small_disk: None) -> None:
    """The small model is larger than what a file may have."""
    with pytest.raises(TrainingFailure) as caught:
        go(a_run(tmp_path, model="nano", steps=1))
    target = tmp_path / "out" / "checkpoints" / "step-000000001"
    assert str(caught.value) == (
        f"{target}: cannot be written (file too large); nothing was saved before"
    )

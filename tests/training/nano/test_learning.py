from __future__ import annotations

import json
import math
import os
import queue
import signal
import time
from contextlib import closing
from dataclasses import fields, replace
from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

from interject.model_runtime.checkpoint import load_checkpoint, random_model
from interject.model_runtime.rounding import assert_same, decoder_terms, tower_terms
from interject.training.fine_tuning.failure import TrainingFailure
from interject.training.nano.batch_loader import BatchLoader, SharedSound
from interject.training.nano.batch_maker import BatchMaker, Order
from interject.training.nano.losses import compute_losses, decision_logits, run_model
from interject.training.nano.optimiser import Muon, orthogonal
from interject.training.nano.recipe import NanoSettings
from interject.training.nano.stop_signals import StoppedBySignal, TrainingSignals
from interject.training.nano.tokenizer import train_tokenizer
from interject.training.nano.trainer import CURVE_FILE, NanoTrainer, orders
from interject.training.speech.phones import UNKNOWN_PHONE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from interject.model_runtime.network.architecture import ModelConfig
    from interject.training.nano.scene import Stock

SETTINGS = NanoSettings(minutes=1.0, seed=4, warm_up_steps=2)
TINY = Order(0, 2, 6)
CPU = torch.device("cpu")


def ticking(step_s: float) -> Callable[[], float]:
    """A clock that moves by `step_s` whenever it is read."""
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += step_s
        return now

    return clock


SHORT = replace(
    SETTINGS, short_streams=1, short_chunks=6, long_streams=1, long_chunks=8, warm_up_steps=1
)


@pytest.fixture
def small(config: ModelConfig) -> ModelConfig:
    return replace(
        config,
        tower=replace(config.tower, width=32, layers=1, heads=2, feed_forward=32, output=32),
        decoder=replace(
            config.decoder, width=32, layers=1, heads=2, kv_heads=1, head_dim=16, feed_forward=32
        ),
    )


def trainer(config: ModelConfig, folder: Path, settings: NanoSettings = SETTINGS) -> NanoTrainer:
    return NanoTrainer(config, train_tokenizer(), settings, folder)


@pytest.mark.numerics
def test_the_losses_are_what_their_formulas_say(
    small: ModelConfig, maker: BatchMaker, tmp_path: Path
) -> None:
    run, batch = trainer(small, tmp_path), maker.make(TINY)
    losses = compute_losses(run.tower, run.decoder, run.heads, small.layout, batch, SETTINGS, 0.0)
    _, hidden = run_model(run.tower, run.decoder, batch)
    odds = decision_logits(run.decoder, small.layout, hidden, batch).tolist()
    total = weights = 0.0
    for row in range(2):
        for chunk in range(6):
            if batch.decision_at[row, chunk] >= 0:
                wanted = float(batch.respond[row, chunk])
                weight = SETTINGS.respond_weight if wanted else 1.0
                p = 1 / (1 + math.exp(-odds[row][chunk]))
                total -= weight * math.log(p if wanted else 1 - p)
                weights += weight
    numbers = losses.numbers()
    terms = tower_terms(small.tower) + decoder_terms(small.decoder, positions=batch.ids.shape[1])
    assert_same([numbers["control"]], [total / weights], terms=terms)
    expected = SETTINGS.control_weight * numbers["control"] + SETTINGS.text_weight * numbers["text"]
    assert_same([numbers["total"]], [expected], terms=terms)


def test_a_grouped_model_learns_the_same_streams(
    small: ModelConfig, stock: Stock, tmp_path: Path
) -> None:
    """From the weights of one that is not grouped; phones are named every 40 ms all the same. With
    `steps` the clock does not count.
    """
    together, settings = small.with_grouping(5), replace(SETTINGS, steps=4)
    once = trainer(small, tmp_path / "1")
    run = NanoTrainer(together, train_tokenizer(), settings, tmp_path / "5", clock=ticking(90.0))
    run.start_from_model(once.averaged().with_grouping(5))
    assert torch.equal(run.tower.proj.weight, once.tower.proj.weight)
    tokens = train_tokenizer()
    batches = [BatchMaker(stock, one, tokens, seed=3).make(TINY) for one in (small, together)]
    assert batches[1].audio_at.shape == (2, 6 * 2)
    heads = once.heads
    phones = [
        compute_losses(one.tower, one.decoder, heads, small.layout, batch, SETTINGS, 1.0).phone
        for one, batch in zip((once, run), batches, strict=True)
    ]
    assert torch.equal(*phones)
    run.learn(batches[1])
    assert run.progress == 1 / 4
    model = run.averaged()
    assert model.config == together
    assert model.tower.grouping is not None
    assert not torch.equal(model.tower.grouping.weight, torch.eye(32))
    run.save()
    assert not trainer(together, tmp_path / "more").start_from(tmp_path / "nowhere")
    assert trainer(together, tmp_path / "more").start_from(tmp_path / "5")
    once.save()
    assert trainer(together, tmp_path / "more").start_from(tmp_path / "1")
    with pytest.raises(TrainingFailure, match="give this run its --grouping"):
        trainer(small, tmp_path / "less").start_from(tmp_path / "5")


def test_a_batch_without_any_text_is_no_error(
    small: ModelConfig, maker: BatchMaker, tmp_path: Path
) -> None:
    batch = maker.make(TINY)
    silent = replace(batch, labels=torch.full_like(batch.labels, -1))
    run = trainer(small, tmp_path)
    losses = compute_losses(run.tower, run.decoder, run.heads, small.layout, silent, SETTINGS, 1.0)
    numbers = losses.numbers()
    assert numbers["text"] == 0.0
    assert math.isfinite(numbers["total"])


def test_phones_that_nobody_knows_teach_nothing(
    small: ModelConfig, maker: BatchMaker, tmp_path: Path
) -> None:
    batch, run = maker.make(TINY), trainer(small, tmp_path)

    def phone_loss(phones: torch.Tensor) -> float:
        heard = replace(batch, phones=phones)
        model = (run.tower, run.decoder, run.heads, small.layout)
        return compute_losses(*model, heard, SETTINGS, 1.0).numbers()["phone"]

    unknown = torch.full_like(batch.phones, UNKNOWN_PHONE)
    assert phone_loss(unknown) == 0.0
    first, second = batch.phones.clone(), batch.phones.clone()
    first[1], second[0] = UNKNOWN_PHONE, UNKNOWN_PHONE
    known = [int((phones != UNKNOWN_PHONE).sum()) for phones in (first, second)]
    parts = [
        phone_loss(phones) * count for phones, count in zip((first, second), known, strict=True)
    ]
    assert phone_loss(batch.phones) == pytest.approx(sum(parts) / sum(known), rel=0.02)


@pytest.mark.timeout(300)
def test_the_model_learns_one_batch_by_heart(
    small: ModelConfig, maker: BatchMaker, tmp_path: Path
) -> None:
    batch = maker.make(Order(0, 2, 10))
    assert (batch.labels >= 0).any()
    run = trainer(
        small, tmp_path, replace(SETTINGS, warm_up_steps=2, muon_rate=1e-2, adam_rate=1e-2)
    )
    first = run.learn(batch).numbers()
    for _ in range(40):
        last = run.learn(batch).numbers()
    assert last["control"] < 0.5 * first["control"]
    assert last["text"] < 0.5 * first["text"]


def test_a_resumed_run_equals_one_that_was_never_killed(
    small: ModelConfig, maker: BatchMaker, tmp_path: Path
) -> None:
    batches = [maker.make(replace(TINY, step=step)) for step in range(4)]
    whole = trainer(small, tmp_path / "whole")
    for batch in batches:
        whole.learn(batch)
    killed = trainer(small, tmp_path / "cut")
    for batch in batches[:2]:
        killed.learn(batch)
    killed.save()
    again = trainer(small, tmp_path / "cut")
    assert again.resume()
    assert again.step == 2
    for batch in batches[2:]:
        again.learn(batch)
    for mine, theirs in zip(whole.decoder.parameters(), again.decoder.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    for mine, theirs in zip(
        whole.averaged().tower.parameters(), again.averaged().tower.parameters(), strict=True
    ):
        assert torch.equal(mine, theirs)


def test_a_run_that_starts_from_another_has_its_weights_and_a_schedule_of_its_own(
    small: ModelConfig, maker: BatchMaker, tmp_path: Path
) -> None:
    first = trainer(small, tmp_path / "first")
    first.learn(maker.make(TINY))
    first.save()
    second = trainer(small, tmp_path / "second")
    assert not second.start_from(tmp_path / "nowhere")
    assert second.start_from(tmp_path / "first")
    assert (second.step, second.progress) == (0, 0.0)
    for mine, theirs in zip(first.tower.parameters(), second.tower.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    for mine, theirs in zip(
        first.averaged().decoder.parameters(), second.averaged().decoder.parameters(), strict=True
    ):
        assert torch.equal(mine, theirs)


def test_a_run_that_starts_from_a_model_has_its_weights_and_heads_of_its_own(
    small: ModelConfig, maker: BatchMaker, tmp_path: Path
) -> None:
    first = trainer(small, tmp_path / "first")
    first.learn(maker.make(TINY))
    first.save()
    model = load_checkpoint(tmp_path / "first" / "model")
    second = trainer(small, tmp_path / "second", SETTINGS.going_on())
    heads = [p.clone() for p in second.heads.parameters()]
    second.start_from_model(model)
    assert (second.step, second.progress) == (0, 0.0)
    for now in (second, second.averaged()):
        for module, given in ((now.tower, model.tower), (now.decoder, model.decoder)):
            for mine, theirs in zip(module.parameters(), given.parameters(), strict=True):
                assert torch.equal(mine, theirs)
    assert all(map(torch.equal, heads, second.heads.parameters()))
    last = second.learn(maker.make(TINY)).numbers()
    assert math.isfinite(last["total"])


def test_a_model_of_another_shape_is_no_start(
    small: ModelConfig, config: ModelConfig, tmp_path: Path
) -> None:
    with pytest.raises(TrainingFailure, match="has another shape"):
        trainer(config, tmp_path).start_from_model(random_model(small))


def test_going_on_is_gentler_than_beginning() -> None:
    gentle = SETTINGS.going_on()
    assert gentle.muon_rate < SETTINGS.muon_rate
    assert gentle.adam_rate < SETTINGS.adam_rate
    assert gentle.minutes == SETTINGS.minutes


def test_there_is_nothing_to_go_on_from_in_an_empty_folder(
    small: ModelConfig, tmp_path: Path
) -> None:
    assert not trainer(small, tmp_path).resume()


def test_a_run_spends_its_time_writes_its_curve_and_leaves_a_model(
    small: ModelConfig, maker: BatchMaker, tmp_path: Path
) -> None:
    run = NanoTrainer(small, train_tokenizer(), SHORT, tmp_path, clock=ticking(5.0))
    lines: list[str] = []
    loader = BatchLoader(maker, *orders(SHORT))
    try:
        run.run(loader, lines.append)
    finally:
        loader.close()
    assert run.progress == 1.0
    curve = [json.loads(line) for line in (tmp_path / CURVE_FILE).read_text().splitlines()]
    assert [line["step"] for line in curve] == list(range(1, run.step + 1))
    assert len(lines) == run.step
    loaded = load_checkpoint(tmp_path / "model")
    assert loaded.config == small
    assert loaded.tokenizer is not None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_behind_its_step_and_it_goes_on_there(
    small: ModelConfig, maker: BatchMaker, tmp_path: Path, number: signal.Signals
) -> None:
    before = signal.getsignal(number)
    run = trainer(small, tmp_path, SHORT)
    with (
        pytest.raises(StoppedBySignal, match=f"stopped by {number.name}") as stopped,
        TrainingSignals() as signals,
        closing(BatchLoader(maker, *orders(SHORT))) as loader,
    ):
        run.run(loader, lambda line: os.kill(os.getpid(), number), signals)
    assert stopped.value.exit_code == 128 + number
    assert signal.getsignal(number) is before
    assert run.step == 1
    again = trainer(small, tmp_path, SHORT)
    assert again.resume()
    assert (again.step, again.spent_s) == (1, run.spent_s)
    assert load_checkpoint(tmp_path / "model").config == small


def test_a_signal_outside_of_a_step_is_not_waited_for() -> None:
    with TrainingSignals(), pytest.raises(StoppedBySignal):
        os.kill(os.getpid(), signal.SIGTERM)


def test_a_batch_depends_only_on_seed_and_step(maker: BatchMaker) -> None:
    first, again, other = (maker.make(replace(TINY, step=step)) for step in (7, 7, 8))
    assert torch.equal(first.mel, again.mel)
    assert torch.equal(first.ids, again.ids)
    assert not torch.equal(first.mel, other.mel)


@pytest.mark.parametrize("processes", [1, 3])
def test_any_number_of_processes_makes_the_same_batches(
    maker: BatchMaker, config: ModelConfig, processes: int
) -> None:
    loader = BatchLoader(maker, TINY, Order(0, 3, 8), processes=processes, ahead=2)
    wanted = [replace(TINY, step=step) for step in range(2)] + [Order(2, 3, 8)]
    try:
        for order in wanted[:2]:
            loader.order(order)
        for number, order in enumerate(wanted):
            batch, expected = loader.take(config.features, CPU), maker.make(order)
            for field in fields(batch):
                assert torch.equal(getattr(batch, field.name), getattr(expected, field.name))
            if number == 0:
                loader.order(wanted[2])
    finally:
        loader.close()


def test_a_feed_takes_no_more_orders_than_it_has_memory_for(maker: BatchMaker) -> None:
    loader = BatchLoader(maker, TINY, ahead=1)
    try:
        loader.order(TINY)
        with pytest.raises(ValueError, match="1 orders are in the works"):
            loader.order(TINY)
    finally:
        loader.close()
    with pytest.raises(ValueError, match="does not fit"):
        SharedSound(1, 100).of(0, TINY)


def test_a_feed_that_has_ended_is_not_waited_for(maker: BatchMaker, config: ModelConfig) -> None:
    loader = BatchLoader(maker, TINY)
    loader.order(TINY)
    loader.close()
    with pytest.raises(queue.Empty):
        loader.take(config.features, CPU)


def test_a_feed_ends_with_a_trainer_that_handles_sigterm_itself(
    maker: BatchMaker, config: ModelConfig
) -> None:
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        loader = BatchLoader(maker, TINY)
        loader.order(TINY)
        loader.take(config.features, CPU)
        began = time.monotonic()
        loader.close()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert time.monotonic() - began < 4.0, "it had to be killed"


@pytest.mark.parametrize("shape", [(8, 8), (24, 8), (8, 24)])
def test_orthogonalising_leaves_singular_values_near_one(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    values = torch.linalg.svdvals(orthogonal(matrix).float())
    assert values.min() > 0.5
    assert values.max() < 1.4


def test_muon_brings_a_loss_down() -> None:
    torch.manual_seed(2)
    weight = nn.Parameter(torch.randn(6, 6))
    wanted = torch.eye(6)
    optimiser = Muon([weight], rate=0.1, weight_decay=0.0)
    first = float((weight - wanted).detach().square().sum())
    for _ in range(100):
        optimiser.zero_grad()
        (weight - wanted).square().sum().backward()
        optimiser.step()
    assert float((weight - wanted).detach().square().sum()) < 0.2 * first


def test_matrices_of_one_shape_are_orthogonalised_as_if_alone() -> None:
    matrices = torch.randn(3, 8, 12, generator=torch.Generator().manual_seed(3))
    alone = [orthogonal(matrix) for matrix in matrices]
    assert torch.allclose(orthogonal(matrices), torch.stack(alone), atol=0.02)

"""Train nano from nothing: `python -m interject.training.nano --minutes 75 --seed 1 --out DIR`.

With `--start RUN` it goes on from another run, say when the language has a new request, with
`--start nano` from the model that ships: their weights and tokenizer, a schedule for going on.
"""

from __future__ import annotations

import json
import logging
import sys
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from interject.model_runtime.checkpoint import resolve
from interject.model_runtime.checkpoint.native import (
    has_config,
    is_native,
    load_native,
    read_tokenizer,
)
from interject.model_runtime.device_choice import DeviceChoice
from interject.model_runtime.network.architecture import UNGROUPED
from interject.model_runtime.resolved_device import resolve_device
from interject.training.bank.bank import Bank
from interject.training.fine_tuning.failure import TrainingFailure
from interject.training.nano.bank_examination import examine_with_bank
from interject.training.nano.bank_stock import SMALL_STOCK, StockSize, bank_stock
from interject.training.nano.batch_loader import BatchLoader, usable_cores
from interject.training.nano.batch_maker import BatchMaker
from interject.training.nano.command_budget import CommandBudget
from interject.training.nano.natural_bank import read_natural
from interject.training.nano.recipe import TRAINING_SHARES, NanoSettings, nano_config
from interject.training.nano.recorded_stock import read_recorded
from interject.training.nano.speech_bank import BankSize, open_bank
from interject.training.nano.stock import make_stock
from interject.training.nano.tokenizer import train_tokenizer
from interject.training.nano.trainer import MODEL_FOLDER, NanoTrainer, orders

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tokenizers import Tokenizer

    from interject.model_runtime.checkpoint import Model
    from interject.model_runtime.network.architecture import ModelConfig
    from interject.model_runtime.resolved_device import ResolvedDevice
    from interject.training.nano.options import NanoOptions
    from interject.training.nano.recorded_stock import RecordedStock
    from interject.training.nano.scene import Stock
    from interject.training.nano.stop_signals import TrainingSignals

REPORT_FILE = "report.json"
_log = logging.getLogger(__name__)


def train(options: NanoOptions, began_s: float, signals: TrainingSignals) -> None:
    """Make the data, train, write the averaged model. `began_s` is when the command did, as
    `time.monotonic` says.

    :raises TrainingFailure: when there is nothing to go on or to start from.
    :raises RuntimeFailure: when there is no such device.
    :raises BadBank: when the bank cannot be used.
    :raises SynthesisError: when a synthesiser is missing.
    :raises StoppedBySignal: when a signal came; from the first step on the run is saved.
    """
    if options.bank and (options.speech or options.recordings):
        raise TrainingFailure("--bank has all speech and recordings: leave out the others")
    if options.bank and options.steps:
        raise TrainingFailure("--bank is for a command of so many --minutes: leave out --steps")
    if options.hard and not options.recordings:
        raise TrainingFailure("--hard names recordings: it needs --recordings")
    torch.set_num_threads(options.threads)
    out, start, seed = options.out, options.start, options.seed
    resolved = resolve_device(DeviceChoice(options.device, options.dtype))
    bank = Bank.load(options.bank) if options.bank else None
    settings = run_settings(options, is_card=resolved.card is not None)
    tokenizer = _tokenizer(out if options.resume else start)
    config = nano_config(tokenizer.get_vocab_size(), grouping=options.grouping)
    trainer = NanoTrainer(
        config, tokenizer, settings, out,
        device=resolved.device, products=_products(options, resolved),
    )  # fmt: skip
    if options.resume and not trainer.resume():
        raise TrainingFailure(f"{out} holds no checkpoint to go on from: leave --resume out")
    if start and not options.resume and not trainer.start_from(start):
        trainer.start_from_model(starting_model(start, config))
    processes = options.processes or (max(1, usable_cores() - 1) if resolved.card else 1)
    stock = open_stock(options, bank, processes, signals.check)
    maker = BatchMaker(stock, config, tokenizer, seed)
    budget = CommandBudget(began_s, options.minutes * 60) if bank else None
    if budget:
        trainer.train_for(budget.training_s())
        _log.info("the data took %.0f s", budget.spent_s)
    with closing(BatchLoader(maker, *orders(settings), processes=processes)) as loader:
        every = 50 if resolved.card else 5
        model = trainer.run(loader, lambda line: _report(trainer.step, every, line), signals)
    if bank and budget:
        _examine(model, bank, seed, budget, out)


def _products(options: NanoOptions, resolved: ResolvedDevice) -> torch.dtype | None:
    """bfloat16 wherever it is no imitation: a CPU's is fast enough for nano."""
    if options.dtype == "float32" or (resolved.card and resolved.dtype is torch.float32):
        return None
    return torch.bfloat16


def _examine(model: Model, bank: Bank, seed: int, budget: CommandBudget, out: Path) -> None:
    found = examine_with_bank(model, bank.held_out, seed, budget.is_over)
    (out / REPORT_FILE).write_text(json.dumps(found, indent=1) + "\n")
    for name, result in found.items():
        sys.stdout.write(f"{name}: {json.dumps(result)}\n")


def run_settings(options: NanoOptions, *, is_card: bool) -> NanoSettings:
    settings = NanoSettings(
        minutes=options.minutes, steps=options.steps, seed=options.seed, threads=options.threads
    )
    if is_card:
        settings = settings.on_card()
    if options.start:
        settings = settings.going_on()
    if options.control_weight is not None:
        settings = replace(settings, control_weight=options.control_weight)
    if options.small:
        settings = replace(settings, short_streams=2, long_streams=1, short_chunks=25)
    if options.streams:
        streams = options.streams
        settings = replace(settings, short_streams=streams, long_streams=-(-streams // 2))
    return settings


def starting_model(start: Path, config: ModelConfig) -> Model:
    """Its embeddings may be put together from now on.

    :raises TrainingFailure: when there is none, or none of nano's shape.
    """
    folder = resolve(start)
    if not is_native(folder):
        raise TrainingFailure(
            f"{start} holds no run to start from and no model: name another --out's folder, or nano"
        )
    ungrouped = replace(config, tower=replace(config.tower, grouping=UNGROUPED))
    stored = next((one for one in (config, ungrouped) if has_config(folder, one)), None)
    if stored is None:
        raise TrainingFailure(f"{start} has another shape than this recipe's model")
    model = load_native(folder, dtype=torch.float32, device="cpu", config=stored)
    return model.with_grouping(config.tower.grouping)


def open_stock(
    options: NanoOptions,
    bank: Bank | None,
    processes: int,
    said: Callable[[], object] | None = None,
) -> Stock:
    """What a folder or a file lacks is said before the speech is made, which takes minutes."""
    shares = TRAINING_SHARES.without(options.without)
    if bank is not None:
        amounts = SMALL_STOCK if options.small else StockSize()
        return bank_stock(bank.train, shares, options.seed, amounts, processes)
    natural = read_natural(options.speech, options.seed) if options.speech else None
    recorded = _recorded(options.recordings, options.hard) if options.recordings else None
    size = (
        BankSize(2, 0, 80, 10, 0, 40, 0, own_a_reply=1, isolated=40)
        if options.small
        else BankSize()
    )
    processes = 1 if options.small else options.threads
    return make_stock(
        open_bank(options.cache or options.out, size, options.seed, processes=processes, said=said),
        options.seed,
        sounds_a_class=4 if options.small else 250,
        shares=shares,
        natural=natural,
        recorded=recorded,
    )


def _recorded(folder: Path, hard: Path | None) -> RecordedStock:
    """Decoded from FLAC: what reads it is imported here, as a bare machine has none of it.

    :raises TrainingFailure: when the folder holds no collection, or a broken one.
    """
    from interject.training.nano.hard_recordings import read_hardness
    from interject.training.recordings.collection import BadCollection, RecordingCollection

    try:
        known = read_hardness(hard) if hard else {}
        return read_recorded(RecordingCollection.open(folder), hard=known)
    except BadCollection as error:
        raise TrainingFailure(str(error)) from None


def _tokenizer(start: Path | None) -> Tokenizer:
    """The one of a run or a model, which its weights know, or a new one."""
    if start is None:
        return train_tokenizer()
    folders = (start / MODEL_FOLDER, resolve(start))
    return next(filter(None, map(read_tokenizer, folders)), None) or train_tokenizer()


def _report(step: int, every: int, line: str) -> None:
    if step % every == 0 or step < 20:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

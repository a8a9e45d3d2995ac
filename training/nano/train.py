"""Train nano from nothing: `python -m interject.training.nano --minutes 75 --seed 1 --out DIR`.

With `--start RUN` it goes on from another run, say when the language has a new request, with
`--start nano` from the model that ships: their weights and tokenizer, a schedule for going on.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from interject.model_runtime.checkpoint import load_checkpoint, resolve
from interject.model_runtime.checkpoint.native import is_native, read_tokenizer
from interject.training.fine_tuning.failure import TrainingFailure
from interject.training.nano.batch_loader import BatchMaker
from interject.training.nano.natural_bank import read_natural
from interject.training.nano.recipe import TRAINING_SHARES, NanoSettings, nano_config
from interject.training.nano.recorded_stock import read_recorded
from interject.training.nano.speech_bank import BankSize, open_bank
from interject.training.nano.stock import make_stock
from interject.training.nano.tokenizer import train_tokenizer
from interject.training.nano.trainer import MODEL_FOLDER, NanoTrainer

if TYPE_CHECKING:
    from pathlib import Path

    from tokenizers import Tokenizer

    from interject.model_runtime.checkpoint import Model
    from interject.training.nano.options import NanoOptions
    from interject.training.nano.recorded_stock import RecordedStock
    from interject.training.nano.scene import Stock


def train(options: NanoOptions) -> None:
    """Make the data, train, write the averaged model.

    :raises TrainingFailure: when there is nothing to go on or to start from.
    :raises SynthesisError: when a synthesiser is missing.
    """
    torch.set_num_threads(options.threads)
    out, start, seed = options.out, options.start, options.seed
    tokenizer = _tokenizer(out if options.resume else start)
    config = nano_config(tokenizer.get_vocab_size())
    trainer = NanoTrainer(config, tokenizer, _settings(options), out)
    if options.resume and not trainer.resume():
        raise TrainingFailure(f"{out} holds no checkpoint to go on from: leave --resume out")
    if start and not options.resume and not trainer.start_from(start):
        trainer.start_from_model(_model(start))
    maker = BatchMaker(_stock(options), config, tokenizer, seed)
    trainer.run(maker, lambda line: _report(trainer.step, line))


def _settings(options: NanoOptions) -> NanoSettings:
    settings = NanoSettings(minutes=options.minutes, seed=options.seed, threads=options.threads)
    if options.start:
        settings = settings.going_on()
    if options.small:
        settings = replace(settings, short_streams=2, long_streams=1, short_chunks=25)
    return settings


def _model(start: Path) -> Model:
    """:raises TrainingFailure: when there is none, or none of nano's shape."""
    folder = resolve(start)
    if not is_native(folder):
        raise TrainingFailure(
            f"{start} holds no run to start from and no model: name another --out's folder, or nano"
        )
    return load_checkpoint(folder)


def _stock(options: NanoOptions) -> Stock:
    """What a folder or a file lacks is said before the speech is made, which takes minutes."""
    natural = read_natural(options.speech, options.seed) if options.speech else None
    recorded = _recorded(options.recordings) if options.recordings else None
    size = (
        BankSize(2, 0, 80, 10, 0, 40, 0, own_a_reply=1, isolated=40)
        if options.small
        else BankSize()
    )
    processes = 1 if options.small else options.threads
    return make_stock(
        open_bank(options.cache or options.out, size, options.seed, processes=processes),
        options.seed,
        sounds_a_class=4 if options.small else 250,
        shares=TRAINING_SHARES,
        natural=natural,
        recorded=recorded,
    )


def _recorded(folder: Path) -> RecordedStock:
    """Decoded from FLAC: what reads it is imported here, as a bare machine has none of it.

    :raises TrainingFailure: when the folder holds no collection, or a broken one.
    """
    from interject.training.recordings.collection import BadCollection, RecordingCollection

    try:
        return read_recorded(RecordingCollection.open(folder))
    except BadCollection as error:
        raise TrainingFailure(str(error)) from None


def _tokenizer(start: Path | None) -> Tokenizer:
    """The one of a run or a model, which its weights know, or a new one."""
    if start is None:
        return train_tokenizer()
    folders = (start / MODEL_FOLDER, resolve(start))
    return next(filter(None, map(read_tokenizer, folders)), None) or train_tokenizer()


def _report(step: int, line: str) -> None:
    if step % 5 == 0 or step < 20:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

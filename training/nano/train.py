"""Train nano from nothing: `python -m interject.training.nano --minutes 75 --seed 1 --out DIR`.

With `--start RUN` it goes on from another run, say when the language has a new request: with that
one's weights and tokenizer, and a schedule of its own.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import torch

from interject.model_runtime.checkpoint.native import read_tokenizer
from interject.training.fine_tuning.failure import TrainingFailure
from interject.training.nano.batch_loader import BatchMaker
from interject.training.nano.recipe import NanoSettings, nano_config
from interject.training.nano.speech_bank import BankSize, open_bank
from interject.training.nano.stock import make_stock
from interject.training.nano.tokenizer import train_tokenizer
from interject.training.nano.trainer import MODEL_FOLDER, NanoTrainer

if TYPE_CHECKING:
    from pathlib import Path

    from tokenizers import Tokenizer

    from interject.training.nano.options import NanoOptions
    from interject.training.nano.scene import Stock


def train(options: NanoOptions) -> None:
    """Make the data, train, write the averaged model.

    :raises TrainingFailure: when there is nothing to go on or to start from.
    :raises SynthesisError: when a synthesiser is missing.
    """
    torch.set_num_threads(options.threads)
    out, start, seed = options.out, options.start, options.seed
    settings = NanoSettings(minutes=options.minutes, seed=seed, threads=options.threads)
    if options.small:
        settings = NanoSettings(
            minutes=options.minutes, seed=seed, short_streams=2, long_streams=1, short_chunks=25
        )
    tokenizer = _tokenizer(out if options.resume else start)
    config = nano_config(tokenizer.get_vocab_size())
    trainer = NanoTrainer(config, tokenizer, settings, out)
    if options.resume and not trainer.resume():
        raise TrainingFailure(f"{out} holds no checkpoint to go on from: leave --resume out")
    if start and not options.resume and not trainer.start_from(start):
        raise TrainingFailure(f"{start} holds no run to start from: name another --out's folder")
    maker = BatchMaker(_stock(options), config, tokenizer, seed)
    trainer.run(maker, lambda line: _report(trainer.step, line))


def _stock(options: NanoOptions) -> Stock:
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
        near_miss_share=0.45,
        own_share=0.2,
        echo_share=0.2,
    )


def _tokenizer(run: Path | None) -> Tokenizer:
    """The one of a run, which its weights know, or a new one."""
    return (run and read_tokenizer(run / MODEL_FOLDER)) or train_tokenizer()


def _report(step: int, line: str) -> None:
    if step % 5 == 0 or step < 20:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

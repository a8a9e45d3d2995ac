"""Train nano from nothing: `python -m interject.training.nano --minutes 75 --seed 1 --out DIR`.

With `--start RUN` it goes on from another run, say when the language has a new request: with that
one's weights and tokenizer, and a schedule of its own.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path  # noqa: TC003 (typer reads it)
from typing import TYPE_CHECKING, Annotated

import torch
import typer

from interject.model_runtime.checkpoint.native import read_tokenizer
from interject.training.nano.batch_loader import BatchMaker
from interject.training.nano.recipe import NanoSettings, nano_config
from interject.training.nano.speech_bank import BankSize, open_bank
from interject.training.nano.stock import make_stock
from interject.training.nano.tokenizer import train_tokenizer
from interject.training.nano.trainer import MODEL_FOLDER, NanoTrainer
from interject.training.speech.utterance import SynthesisError

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def train(
    out: Annotated[Path, typer.Option(help="Folder for checkpoints and the result.")],
    minutes: Annotated[
        float, typer.Option(min=0.1, help="Time to train, without the data.")
    ] = 75.0,
    seed: Annotated[int, typer.Option(help="Seed of the data and the weights.")] = 1,
    resume: Annotated[bool, typer.Option(help="Go on from the last checkpoint in OUT.")] = False,
    start: Annotated[
        Path | None, typer.Option(help="Begin with the weights of the run in this folder.")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads of the trainer.")] = 2,
    cache: Annotated[
        Path | None, typer.Option(help="Where the speech is kept; default OUT.")
    ] = None,
    small: Annotated[bool, typer.Option(help="Little data, tiny batches: to try it out.")] = False,
) -> None:
    """Make the data, train, write the averaged model to OUT/model."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(threads)
    size = BankSize(2, 0, 80, 10, 0, 40, 0, own_a_reply=1) if small else BankSize()
    settings = NanoSettings(minutes=minutes, seed=seed, threads=threads)
    if small:
        settings = NanoSettings(
            minutes=minutes, seed=seed, short_streams=2, long_streams=1, short_chunks=25
        )
    tokenizer = _tokenizer(out if resume else start)
    config = nano_config(tokenizer.get_vocab_size())
    trainer = NanoTrainer(config, tokenizer, settings, out)
    if resume and not trainer.resume():
        raise typer.BadParameter(f"{out} holds no checkpoint to go on from: leave --resume out")
    if start and not resume and not trainer.start_from(start):
        raise typer.BadParameter(f"{start} holds no run to start from: name another --out's folder")
    try:
        stock = make_stock(
            open_bank(cache or out, size, seed, processes=1 if small else threads),
            seed,
            sounds_a_class=4 if small else 250,
            near_miss_share=0.45,
            own_share=0.2,
            echo_share=0.2,
        )
    except SynthesisError as error:
        raise typer.BadParameter(str(error)) from error
    trainer.run(
        BatchMaker(stock, config, tokenizer, seed), lambda line: _report(trainer.step, line)
    )


def _tokenizer(run: Path | None) -> Tokenizer:
    """The one of a run, which its weights know, or a new one."""
    return (run and read_tokenizer(run / MODEL_FOLDER)) or train_tokenizer()


def _report(step: int, line: str) -> None:
    if step % 5 == 0 or step < 20:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

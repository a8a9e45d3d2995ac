"""Banks of natural voices: `python -m interject.training.nano.natural_speech --out BANK`.

A bank grows by portions and can be used at any time. What was stopped goes on where it was.
"""

from __future__ import annotations

import sys
import time
import zipfile
from enum import StrEnum
from itertools import islice
from pathlib import Path  # noqa: TC003 (typer reads it)
from typing import TYPE_CHECKING, Annotated

import typer

from interject.training.nano.natural_voices import KokoroReader, PiperReader
from interject.training.nano.speech_bank import SpeechBank
from interject.training.nano.speech_plan import PlannedUtterance, examination_plan, training_plan
from interject.training.speech.kokoro_speakers import KokoroCast
from interject.training.speech.kokoro_voice import KokoroModel
from interject.training.speech.utterance import SynthesisError, Utterance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_SEED = 60_001
PORTION = 100


class Use(StrEnum):
    """Whose voices: those that training hears, or those that only tests do."""

    TRAIN = "train"
    TEST = "test"


def grow_bank(
    path: Path,
    plan: Iterable[PlannedUtterance],
    say: Callable[[PlannedUtterance], Utterance],
    *,
    is_over: Callable[[], bool],
    report: Callable[[SpeechBank], None] = lambda _: None,
    portion: int = PORTION,
) -> None:
    """Append what the bank does not hold yet of the plan, until it ends or `is_over`.

    :raises SynthesisError: when the file is something else.
    """
    items = _made_so_far(path)
    rest = islice(plan, len(items), None)
    while not is_over():
        said = [(planned.key, say(planned)) for planned in islice(rest, portion)]
        if not said:
            return
        items += said
        bank = SpeechBank(items)
        bank.save(path)
        report(bank)


def _made_so_far(path: Path) -> list[tuple[str, Utterance]]:
    if not path.is_file():
        return []
    try:
        return list(SpeechBank.load(path).items())
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        raise SynthesisError(f"{path}: is no bank of speech; name another file") from None


def _reader(
    kokoro: Path | None, piper: Path | None, *, held_out: bool
) -> Callable[[PlannedUtterance], Utterance]:
    if piper is not None and kokoro is None:
        return PiperReader(piper).say
    if piper is not None or kokoro is None:
        raise SynthesisError("name one folder, with --kokoro or with --piper")
    model = KokoroModel(kokoro)
    return KokoroReader(model, KokoroCast(model, held_out=held_out)).say


def _report(bank: SpeechBank) -> None:
    sys.stdout.write(f"{len(bank)} utterances, {bank.hours * 60:.1f} minutes\n")
    sys.stdout.flush()


def main(
    out: Annotated[Path, typer.Option(help="The bank: made, or gone on with.")],
    kokoro: Annotated[Path | None, typer.Option(help="A folder with Kokoro-82M.")] = None,
    piper: Annotated[
        Path | None, typer.Option(help="A folder with one voice of Piper, instead: for a test.")
    ] = None,
    voices: Annotated[Use, typer.Option(help="Whose voices.")] = Use.TRAIN,
    minutes: Annotated[float, typer.Option(min=0.0, help="When to stop.")] = 60.0,
    seed: Annotated[int, typer.Option(min=0, help="Of the texts and the speakers.")] = _SEED,
    talk: Annotated[int, typer.Option(min=0, help="Of each kind of talk in a test.")] = 100,
) -> None:
    """Have natural voices say requests, and what is none."""
    until_s = time.monotonic() + minutes * 60
    is_test = voices is Use.TEST or piper is not None
    plan = examination_plan(seed, talk) if is_test else training_plan(seed)
    try:
        say = _reader(kokoro, piper, held_out=is_test)
        grow_bank(out, plan, say, is_over=lambda: time.monotonic() >= until_s, report=_report)
    except SynthesisError as error:
        raise typer.BadParameter(str(error)) from error


if __name__ == "__main__":
    typer.run(main)

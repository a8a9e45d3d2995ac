"""Banks of natural voices: `python -m interject.training.nano.natural_speech --out BANK`.

A bank grows by portions and can be used at any time. What was stopped goes on where it was.
"""

from __future__ import annotations

import random
import sys
import time
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice
from pathlib import Path  # noqa: TC003 (typer reads it)
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.nano.speech_bank import SpeechBank
from interject.training.nano.speech_plan import PlannedUtterance, examination_plan, training_plan
from interject.training.speech.kokoro_speakers import KokoroCast
from interject.training.speech.kokoro_timing import phone_track, word_ends_s
from interject.training.speech.kokoro_voice import RATE_HZ, KokoroModel
from interject.training.speech.local_voices import FULL_SCALE
from interject.training.speech.utterance import SynthesisError, Utterance, trimmed
from interject.training.speech.word_alignment import aligned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_SEED = 60_001
_SLOWEST, _USUAL, _FASTEST = 0.75, 1.0, 1.4
PORTION = 100


class Use(StrEnum):
    """Whose voices: those that training hears, or those that only tests do."""

    TRAIN = "train"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class NaturalVoices:
    """Says what is planned, each time as somebody else."""

    model: KokoroModel
    cast: KokoroCast

    def say(self, planned: PlannedUtterance) -> Utterance:
        """:raises SynthesisError: when it cannot be said."""
        rng = random.Random(f"who {planned.seed}")
        speaker = self.cast.draw(rng)
        if planned.language:
            speaker = self.cast.draw_foreign(planned.language, rng) or speaker
        speed = rng.triangular(_SLOWEST, _FASTEST, _USUAL)
        text = planned.text + planned.ending
        sound = self.model.render(text, speaker.styles, speaker.language, speed)
        pcm = np.round(np.clip(sound.wave, -1, 1) * 32_767).astype(np.int16)
        english = not planned.language
        known = english and sound.frames is not None
        track = phone_track(sound.phonemes, sound.frames) if known and sound.frames else []
        ends = word_ends_s(text, sound.phonemes, sound.frames) if known and sound.frames else []
        said = trimmed(planned.text, f"kokoro {speaker.name}", pcm, RATE_HZ, track, ends)
        return said if ends or not english else _with_words(said)


def _with_words(said: Utterance) -> Utterance:
    words, _ = aligned(said.text, said.pcm.astype(np.float32) / FULL_SCALE)
    ends = [(word.text.strip(".,!?;:").lower(), int(word.end_s * SAMPLE_RATE_HZ)) for word in words]
    return replace(said, word_ends=tuple(ends))


def grow_bank(
    path: Path,
    plan: Iterable[PlannedUtterance],
    say: Callable[[PlannedUtterance], Utterance],
    *,
    is_over: Callable[[], bool],
    report: Callable[[SpeechBank], None] = lambda _: None,
    portion: int = PORTION,
) -> None:
    """Append what the bank does not hold yet of the plan, until it ends or `is_over`."""
    items: list[tuple[str, Utterance]] = []
    if path.is_file():
        items = list(SpeechBank.load(path).items())
    rest = islice(plan, len(items), None)
    while not is_over():
        said = [(planned.key, say(planned)) for planned in islice(rest, portion)]
        if not said:
            return
        items += said
        bank = SpeechBank(items)
        bank.save(path)
        report(bank)


def _report(bank: SpeechBank) -> None:
    sys.stdout.write(f"{len(bank)} utterances, {bank.hours * 60:.1f} minutes\n")
    sys.stdout.flush()


def main(
    kokoro: Annotated[Path, typer.Option(help="A folder with Kokoro-82M.")],
    out: Annotated[Path, typer.Option(help="The bank: made, or gone on with.")],
    voices: Annotated[Use, typer.Option(help="Whose voices.")] = Use.TRAIN,
    minutes: Annotated[float, typer.Option(min=0.0, help="When to stop.")] = 60.0,
    seed: Annotated[int, typer.Option(min=0, help="Of the texts and the speakers.")] = _SEED,
    talk: Annotated[int, typer.Option(min=0, help="Of each kind of talk in a test.")] = 100,
) -> None:
    """Have natural voices say requests, and what is none."""
    until_s = time.monotonic() + minutes * 60
    try:
        model = KokoroModel(kokoro, timed=True)
        cast = KokoroCast(model, held_out=voices is Use.TEST)
        plan = examination_plan(seed, talk) if voices is Use.TEST else training_plan(seed)
        grow_bank(
            out, plan, NaturalVoices(model, cast).say,
            is_over=lambda: time.monotonic() >= until_s, report=_report,
        )  # fmt: skip
    except SynthesisError as error:
        raise typer.BadParameter(str(error)) from error


if __name__ == "__main__":
    typer.run(main)

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
from interject.training.speech.piper_voice import PiperModel
from interject.training.speech.utterance import Pcm, SynthesisError, Utterance, trimmed
from interject.training.speech.word_alignment import aligned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from interject.training.sounds.waves import Wave

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
        track, ends = [], []
        if sound.frames and not planned.language:
            track = phone_track(sound.phonemes, sound.frames)
            ends = word_ends_s(text, sound.phonemes, sound.frames)
        name, pcm = f"kokoro {speaker.name}", _pcm(sound.wave)
        said = trimmed(planned.text, name, pcm, RATE_HZ, track, ends)
        return said if ends or planned.language else _with_words(said)


@dataclass(frozen=True, slots=True)
class PiperVoice:
    """One voice says everything."""

    model: PiperModel

    def say(self, planned: PlannedUtterance) -> Utterance:
        """:raises SynthesisError: when it cannot be said."""
        speed = random.Random(f"who {planned.seed}").triangular(_SLOWEST, _FASTEST, _USUAL)
        pcm = _pcm(self.model.speak(planned.text + planned.ending, speed))
        name = f"piper {self.model.name}"
        return _with_words(trimmed(planned.text, name, pcm, self.model.rate_hz, [], []))


def _pcm(wave: Wave) -> Pcm:
    return np.round(np.clip(wave, -1, 1) * 32_767).astype(np.int16)


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


def _speaker(
    kokoro: Path | None, piper: Path | None, *, held_out: bool
) -> Callable[[PlannedUtterance], Utterance]:
    if piper is not None and kokoro is None:
        return PiperVoice(PiperModel(piper)).say
    if piper is not None or kokoro is None:
        raise SynthesisError("name one folder, with --kokoro or with --piper")
    model = KokoroModel(kokoro, timed=True)
    return NaturalVoices(model, KokoroCast(model, held_out=held_out)).say


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
        say = _speaker(kokoro, piper, held_out=is_test)
        grow_bank(out, plan, say, is_over=lambda: time.monotonic() >= until_s, report=_report)
    except SynthesisError as error:
        raise typer.BadParameter(str(error)) from error


if __name__ == "__main__":
    typer.run(main)

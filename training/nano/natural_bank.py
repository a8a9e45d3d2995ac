"""Natural voices from files, each utterance also as other people would say it.

Natural speech is dear, half a second of a core for each second; changing its pitch and its vocal
tract costs a hundredth of that.
"""

from __future__ import annotations

import random
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

from interject.training.fine_tuning.failure import TrainingFailure
from interject.training.nano.speech_bank import OWN, SpeechBank
from interject.training.speech.voice_transform import VoiceTransform, transformed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from interject.training.speech.utterance import Utterance

OTHERS = 2
_PITCH, _TRACT = (0.86, 1.18), (0.9, 1.12)


def read_natural(paths: Sequence[Path], seed: int, others: int = OTHERS) -> SpeechBank:
    """:raises TrainingFailure: when a file is missing or no bank of speech."""
    items = [item for path in paths for item in _load(path).items()]
    return multiplied(items, seed, others)


def multiplied(items: Sequence[tuple[str, Utterance]], seed: int, others: int) -> SpeechBank:
    """The agent's own voice stays what it is."""
    rng = random.Random(seed)
    more = [
        (key, other)
        for key, said in items
        if not key.startswith(OWN)
        for other in _as_others(said, rng, others)
    ]
    return SpeechBank([*items, *more])


def _as_others(said: Utterance, rng: random.Random, count: int) -> Iterator[Utterance]:
    """Its own source is kept: one of pulses and noise is no natural voice any more."""
    for _ in range(count):
        pitch = rng.uniform(*_PITCH)
        tract = pitch**0.4 * rng.uniform(*_TRACT)
        other = transformed(said, VoiceTransform(pitch=pitch, tract=tract), rng)
        yield replace(other, voice=f"{said.voice}, changed")


def _load(path: Path) -> SpeechBank:
    try:
        return SpeechBank.load(path)
    except FileNotFoundError:
        raise TrainingFailure(
            f"{path}: no such file; python -m interject.training.nano.natural_speech makes one"
        ) from None
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise TrainingFailure(f"{path}: is no bank of speech ({error})") from None

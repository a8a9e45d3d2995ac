"""The speech and the streams of the test: voices, and sounds, that training never heard."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np

from interject.training.bank import UNRELATED, SpeechBank
from interject.training.language import spoken_prompts
from interject.training.scenes import make_scene
from interject.training.talk import unrelated
from interject.training.voices import FESTIVAL_HELD_OUT, speak_festival

if TYPE_CHECKING:
    from pathlib import Path

    from interject.training.scene import Scene, Style, World
    from interject.training.utterance import Utterance

_SEED = 90_001
_STRETCHES = (0.85, 1.0, 1.15)


def festival_bank(folder: Path, unrelated_a_voice: int = 120) -> SpeechBank:
    """Every wording by both held-out voices, and unrelated talk; kept in `folder`.

    :raises SynthesisError: when festival is missing.
    """
    path = folder / f"festival-{unrelated_a_voice}.npz"
    if path.is_file():
        return SpeechBank.load(path)
    items: list[tuple[str, Utterance]] = []
    for voice in FESTIVAL_HELD_OUT:
        rng = random.Random(_SEED)
        asked = [(key, text) for text, key in spoken_prompts().items()]
        asked += [(UNRELATED, unrelated(rng)) for _ in range(unrelated_a_voice)]
        spoken = speak_festival([(text, rng.choice(_STRETCHES)) for _, text in asked], voice)
        items += [(key, utterance) for (key, _), utterance in zip(asked, spoken, strict=True)]
    bank = SpeechBank(items)
    bank.save(path)
    return bank


def examine_with(world: World, count: int, style: Style, chunks: int = 60) -> list[Scene]:
    """The same streams every time, for the same world."""
    return [
        make_scene(world, np.random.default_rng((_SEED, number)), chunks, style)
        for number in range(count)
    ]

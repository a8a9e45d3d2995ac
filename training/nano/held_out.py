"""The speech and the streams of the test: voices, and sounds, that training never heard."""

from __future__ import annotations

import hashlib
import json
import random
from typing import TYPE_CHECKING

import numpy as np

from interject.training.nano.language import spoken_prompts
from interject.training.nano.near_miss import near_miss
from interject.training.nano.random_scene import make_scene
from interject.training.nano.speech_bank import NEAR_MISS, UNRELATED, SpeechBank
from interject.training.nano.talk_grammar import unrelated
from interject.training.speech.voices import FESTIVAL_HELD_OUT, speak_festival

if TYPE_CHECKING:
    from pathlib import Path

    from interject.training.nano.scene import Scene, Stock, Style
    from interject.training.speech.utterance import Utterance

_SEED = 90_001
_STRETCHES = (0.85, 1.0, 1.15)


def festival_bank(folder: Path, talk_a_voice: int = 250) -> SpeechBank:
    """Every wording by both held-out voices, and talk of both kinds; kept in `folder`.

    :raises SynthesisError: when festival is missing.
    """
    rng = random.Random(_SEED)
    wanted = [_sentences(rng, talk_a_voice) for _ in FESTIVAL_HELD_OUT]
    texts = hashlib.sha256(json.dumps(wanted).encode()).hexdigest()[:12]
    path = folder / f"festival-{texts}.npz"
    if path.is_file():
        return SpeechBank.load(path)
    items: list[tuple[str, Utterance]] = []
    for voice, asked in zip(FESTIVAL_HELD_OUT, wanted, strict=True):
        spoken = speak_festival([(text, stretch) for _, text, stretch in asked], voice)
        items += [(key, utterance) for (key, *_), utterance in zip(asked, spoken, strict=True)]
    bank = SpeechBank(items)
    bank.save(path)
    return bank


def _sentences(rng: random.Random, talk: int) -> list[tuple[str, str, float]]:
    """(key, text, stretch)."""
    asked = [(key, text) for text, key in spoken_prompts().items()]
    asked += [(UNRELATED, unrelated(rng)) for _ in range(talk)]
    asked += [(NEAR_MISS, near_miss(rng)) for _ in range(talk)]
    return [(key, text, rng.choice(_STRETCHES)) for key, text in asked]


def examine_with(stock: Stock, count: int, style: Style, chunks: int = 60) -> list[Scene]:
    """The same streams every time, for the same stock."""
    return [
        make_scene(stock, np.random.default_rng((_SEED, number)), chunks, style)
        for number in range(count)
    ]

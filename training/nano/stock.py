"""The stock that scenes draw from: sounds, rooms and backgrounds beside the speech."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.acoustics import background, impulse_response
from interject.training.nano.scene import Stock
from interject.training.nano.stock_shares import StockShares
from interject.training.sounds.catalogue import CLASSES, make_sound
from interject.training.sounds.unnamed import UNNAMED, make_unnamed

if TYPE_CHECKING:
    from interject.training.nano.recorded_stock import RecordedStock
    from interject.training.nano.speech_bank import SpeechBank

_UNNAMED_TIMES = 4
BACKGROUND_SAMPLES = 25 * SAMPLE_RATE_HZ


def make_stock(
    bank: SpeechBank,
    seed: int,
    *,
    sounds_a_class: int = 250,
    rooms: int = 150,
    held_out: bool = False,
    shares: StockShares | None = None,
    natural: SpeechBank | None = None,
    recorded: RecordedStock | None = None,
) -> Stock:
    """`held_out` takes the sound models that training never uses."""
    rng, shares = np.random.default_rng((seed, int(held_out))), shares or StockShares()
    sounds = {
        kind: [make_sound(kind, rng, held_out=held_out) for _ in range(sounds_a_class)]
        for kind in CLASSES
    }
    if shares.unnamed:
        others = np.random.default_rng((seed, len(CLASSES)))
        sounds[UNNAMED] = [make_unnamed(others) for _ in range(sounds_a_class * _UNNAMED_TIMES)]
    backgrounds = [background(rng, BACKGROUND_SAMPLES) for _ in range(rooms)]
    responses = [impulse_response(rng) for _ in range(rooms)]
    return Stock(bank, sounds, responses, backgrounds, shares, natural, recorded)

"""Things that happen in a room and call for an answer, each with a known last sample."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.sounds.catalogue import models
from interject.training.speech.espeak import Espeak

if TYPE_CHECKING:
    from numpy.typing import NDArray

PEAK = 0.3 * 32_767
SILENT_SHARE = 0.015
"""What stays below this share of the peak is no part of an event: its end is what can be heard."""


class Kind(StrEnum):
    """What a turn-based agent can answer, and what no voice-activity detector hears as a turn."""

    QUESTION = "question"
    SOUND = "sound"


@dataclass(frozen=True, slots=True)
class RoomEvent:
    """16 kHz mono. The last sample is the last that belongs to the event."""

    name: str
    kind: Kind
    samples: NDArray[np.int16] = field(repr=False)

    @property
    def seconds(self) -> float:
        return len(self.samples) / SAMPLE_RATE_HZ


QUESTIONS = (
    ("what is the capital of france", "en-gb-x-rp+m3", 160),
    ("where is my order", "en-us+m7", 160),
    ("what is two plus two", "en-us+f3", 160),
    ("what is your name", "en-us+f2", 160),
    ("i want a refund", "en-us+m2", 160),
    ("how do i reset my password", "en-gb-x-rp+m3", 170),
)
SOUNDS = (("smoke_alarm", 2), ("glass", 0), ("siren", 0), ("crash", 5))


def room_events() -> list[RoomEvent]:
    """The same ten each time.

    :raises SynthesisError: when espeak-ng or one of its voices is missing.
    """
    espeak = Espeak()
    said = [
        RoomEvent(
            text,
            Kind.QUESTION,
            _ready(espeak.speak(text, voice, words_per_min=rate, pitch=50).pcm.astype(np.float32)),
        )
        for text, voice, rate in QUESTIONS
    ]
    made = [
        RoomEvent(
            kind.replace("_", " "),
            Kind.SOUND,
            _ready(models(kind, held_out=False)[model](np.random.default_rng(2))),
        )
        for kind, model in SOUNDS
    ]
    return said + made


def _ready(wave: NDArray[np.float32]) -> NDArray[np.int16]:
    """Trimmed to what can be heard, at one peak."""
    loud = np.flatnonzero(np.abs(wave) > SILENT_SHARE * np.abs(wave).max())
    heard = wave[loud[0] : loud[-1] + 1]
    return np.asarray(np.rint(heard * (PEAK / np.abs(heard).max())), np.int16)


def shuffled(events: list[RoomEvent], count: int, seed: int) -> list[RoomEvent]:
    """`count` of them, every one equally often as far as it goes, in an order without a pattern."""
    draw = np.random.default_rng(seed)
    order: list[RoomEvent] = []
    while len(order) < count:
        order += [events[index] for index in draw.permutation(len(events))]
    return order[:count]

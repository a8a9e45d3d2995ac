"""A stream of the world: what is heard when, and what should be said to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from interject.model_runtime.protocol import FRAME_SAMPLES, SAMPLE_RATE_HZ, Emotion

if TYPE_CHECKING:
    from interject.training.nano.speech_bank import SpeechBank
    from interject.training.sounds.waves import Rng, Wave

DECISION_LAG_S = 0.2
"""How much more must be heard: a closed stop is silent for 0.1 s within a word."""
SLOT_S = 0.04


class Style(StrEnum):
    """What kind of stream: everything, nothing to answer, or a count."""

    MIXED = "mixed"
    UNRELATED = "unrelated"
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class WantedReply:
    """What should be said, and why."""

    text: str
    emotion: Emotion
    key: str


@dataclass(frozen=True, slots=True)
class Happening:
    """Something heard from `start` to `end` (samples). `reply` is None when silence is right."""

    key: str
    start: int
    end: int
    reply: WantedReply | None

    @property
    def decision_chunk(self) -> int:
        """The chunk in which the end and a little more has been heard."""
        return int(self.end + DECISION_LAG_S * SAMPLE_RATE_HZ) // FRAME_SAMPLES


@dataclass(slots=True)
class Scene:
    """`sound` holds whole chunks and 40 samples more. Tracks hold one value for every 40 ms."""

    sound: Wave = field(repr=False)
    happenings: list[Happening]
    phones: np.ndarray[tuple[int], np.dtype[np.int8]] = field(repr=False)
    active: np.ndarray[tuple[int, int], np.dtype[np.uint8]] = field(repr=False)
    words: list[tuple[str, int]] = field(default_factory=list)

    @property
    def chunks(self) -> int:
        return len(self.sound) // FRAME_SAMPLES


@dataclass(frozen=True, slots=True)
class Stock:
    """What scenes are made from: speech, ready sounds by class, rooms.

    `near_miss_share` of the talk that asks nothing is close to a request, `own_share` of it is the
    agent's own sentences; after `echo_share` of the replies the agent hears what it said.
    """

    bank: SpeechBank
    sounds: dict[str, list[Wave]]
    rooms: list[Wave]
    backgrounds: list[Wave]
    near_miss_share: float = 0.25
    own_share: float = 0.0
    echo_share: float = 0.0

    def background(self, rng: Rng, count: int) -> Wave:
        """A random stretch of a ready background, forwards or backwards."""
        wave = self.backgrounds[int(rng.integers(len(self.backgrounds)))]
        wave = np.roll(wave[::-1] if rng.random() < 0.5 else wave, int(rng.integers(len(wave))))
        return np.resize(wave, count)

    def sound(self, kind: str, rng: Rng) -> Wave:
        known = self.sounds[kind]
        return known[int(rng.integers(len(known)))]

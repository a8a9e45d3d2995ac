"""A stream of the world: what is heard when, and what should be said to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from interject.model_runtime.protocol import FRAME_SAMPLES, SAMPLE_RATE_HZ, Emotion
from interject.training.acoustics import as_recorded, decibels, stretch
from interject.training.nano.language import COUNTABLE, RESPOND_REPLIES
from interject.training.nano.stock_shares import StockShares
from interject.training.soundflow.tapers import tapered
from interject.training.sounds.waves import uniform

if TYPE_CHECKING:
    from interject.training.nano.recorded_stock import RecordedStock
    from interject.training.nano.speech_bank import SpeechBank
    from interject.training.sounds.waves import Rng, Wave
    from interject.training.speech.utterance import Utterance

DECISION_LAG_S = 0.2
"""How much more must be heard: a closed stop is silent for 0.1 s within a word."""
ALARM_HEARD_S = 2.0
"""A siren may last a minute: of an alarm that goes on, so much is enough."""
SLOT_S = 0.04
RECORDED_SPEEDS = (0.8, 1.25)
"""Of few recordings each must be many; scenes stretch every sound a little more."""
_PURE_SHARE, _TWO_RECORDINGS, _LAYER_DB = 0.5, 0.4, (-18.0, -1.0)
_BREAKING, _RUBBLE_SHARE = ("glass", "crash"), 0.4
_TAPER_SAMPLES, _CLICK = 240, 32
_FRAME, _AUDIBLE = 320, 10**-2.6


class Style(StrEnum):
    """What kind of stream: everything, nothing to answer, a count, or one thing after a pause."""

    MIXED = "mixed"
    UNRELATED = "unrelated"
    COUNT = "count"
    LONE = "lone"


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
    def known_at(self) -> int:
        """The sample by which enough was heard: its end, or of an alarm its first two seconds."""
        if self.reply is None or self.key not in RESPOND_REPLIES:
            return self.end
        return min(self.end, self.start + int(ALARM_HEARD_S * SAMPLE_RATE_HZ))

    def turn_s(self, before_s: float) -> tuple[float, float]:
        """Begin and end of its turn in seconds. Talk may overlap and turns do not: this one begins
        where the one `before_s` has ended.
        """
        end_s = self.known_at / SAMPLE_RATE_HZ
        return min(max(self.start / SAMPLE_RATE_HZ, before_s), end_s), end_s

    @property
    def decision_chunk(self) -> int:
        """The chunk in which that and a little more has been heard."""
        return int(self.known_at + DECISION_LAG_S * SAMPLE_RATE_HZ) // FRAME_SAMPLES


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
    """What scenes are made from: speech, ready sounds by class, rooms, and what was recorded."""

    bank: SpeechBank
    sounds: dict[str, list[Wave]]
    rooms: list[Wave]
    backgrounds: list[Wave]
    shares: StockShares = field(default_factory=StockShares)
    natural: SpeechBank | None = None
    recorded: RecordedStock | None = None

    def knows(self, key: str) -> bool:
        return key in self.bank.groups or (self.natural is not None and key in self.natural.groups)

    def utterance(self, key: str, rng: Rng) -> Utterance:
        natural = self.natural
        if natural is None or key not in natural.groups:
            return self.bank.draw(key, rng)
        is_natural = rng.random() < self.shares.natural or key not in self.bank.groups
        return (natural if is_natural else self.bank).draw(key, rng)

    def background(self, rng: Rng, count: int) -> Wave:
        """A random stretch of a ready background, forwards or backwards."""
        wave = self.backgrounds[int(rng.integers(len(self.backgrounds)))]
        wave = np.roll(wave[::-1] if rng.random() < 0.5 else wave, int(rng.integers(len(wave))))
        return np.resize(wave, count)

    def sound(self, kind: str, rng: Rng) -> Wave:
        """A recording where the world has some and chance says so, mostly with another in it, or a
        made sound. All sound like somebody's files: that must not tell what is answered.
        """
        known = self.sounds[kind]
        heard = known[int(rng.integers(len(known)))]
        recorded, share = self.recorded, self.shares.recorded
        if recorded is None or not share:
            return heard
        if recorded.has(kind) and rng.random() < share:
            heard = self._with_recording(kind, heard, recorded, rng)
        return as_recorded(heard, rng)

    def _with_recording(self, kind: str, made: Wave, recorded: RecordedStock, rng: Rng) -> Wave:
        heard = stretch(recorded.sound(kind, rng), uniform(rng, *RECORDED_SPEEDS))
        if kind in _BREAKING and rng.random() < _RUBBLE_SHARE:
            heard = _with_rubble(heard, [recorded.sound(kind, rng) for _ in range(3)], rng)
        if kind in COUNTABLE or rng.random() < _PURE_SHARE:
            return heard
        if rng.random() < _TWO_RECORDINGS:
            made = stretch(recorded.sound(kind, rng), uniform(rng, *RECORDED_SPEEDS))
        return _layered(heard, made * decibels(uniform(rng, *_LAYER_DB)), rng)


def _layered(heard: Wave, made: Wave, rng: Rng) -> Wave:
    """Both, from a moment of the first on; cut where the recording ends."""
    start = int(rng.integers(len(heard) // 2 + 1)) if rng.random() < 0.5 else 0
    both = heard.copy()
    piece = made[: len(both) - start]
    both[start : start + len(piece)] += tapered(piece, _TAPER_SAMPLES)
    return both


def _with_rubble(heard: Wave, others: list[Wave], rng: Rng) -> Wave:
    """Pieces of other recordings come down after it, softer: few recordings hold all of a fall."""
    count = int(rng.integers(2, 9))
    falling = np.zeros(len(heard) + int(uniform(rng, 0.2, 2.2) * SAMPLE_RATE_HZ), np.float32)
    falling[: len(heard)] = heard
    for start in np.sort(rng.integers(len(heard) // 4, len(falling), count)):
        other = others[int(rng.integers(len(others)))]
        size = min(len(other), int(uniform(rng, 0.06, 0.5) * SAMPLE_RATE_HZ), len(falling) - start)
        first = int(rng.integers(len(other) - size + 1))
        dying = tapered(other[first : first + size], _CLICK) * np.linspace(1, 0, size)
        piece = stretch(dying.astype(np.float32), uniform(rng, 1.0, 1.3))
        falling[start : start + len(piece)] += piece * decibels(uniform(rng, -20, -5))
    return falling


def audible_samples(wave: Wave) -> int:
    """Up to where it is 26 dB under its loudest 20 ms: in a room nobody waits for what is softer.

    Glass and crashes die away slowly; that a recording has been cut late must not make the moment
    of the reply another one.
    """
    frames = wave[: len(wave) // _FRAME * _FRAME].reshape(-1, _FRAME)
    if not len(frames):
        return len(wave)
    powers = np.mean(frames**2, axis=1)
    return (int(np.flatnonzero(powers >= powers.max() * _AUDIBLE)[-1]) + 1) * _FRAME

"""Recordings that scenes draw from, beside synthetic speech and procedural sounds."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import repeat
from typing import TYPE_CHECKING

import numpy as np

from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.acoustics import decibels
from interject.training.nano.language import COUNTABLE, RESPOND_REPLIES, spoken_prompts
from interject.training.soundflow.tapers import tapered
from interject.training.sounds.waves import uniform

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from interject.training.recordings.collection import RecordingCollection
    from interject.training.recordings.recording import RecordingUse
    from interject.training.sounds.waves import Rng, Wave
    from interject.training.speech.utterance import Pcm

SOUND, SPEECH, BACKGROUND = "sound", "speech", "background"
"""The kinds of a collection's recordings, whose module needs what a bare machine lacks."""
RECORDED_TALK, MIMIC = "recorded talk", "mimic"
MOST_OF_SOUND_S, MOST_OF_TALK_S, LEAST_OF_LASTING_S = 4.0, 6.0, 1.5
FRAGMENT_S = (0.2, 1.2)
UNCLEAR = frozenset(
    ("breaking", "dump", "explosion", "fireworks", "gasp", "groan", "gunshot", "rockfall", "scream",
     "tree_falls", "whine")
)  # fmt: skip
"""A crash, a cough, crying or a cry for help to one who hears no more: a person would be glad of an
answer to some of these and not to others. Neither taught nor taught to be ignored.
"""
LASTING = frozenset(("crying", "siren", "smoke_alarm"))
"""One may come to hear it at any moment of it, and of the others only from their beginning."""
_SHORTEST_S = 0.05
_PEAK, SPEECH_RMS = 0.6, 0.06
_AUDIBLE = 0.015
_LARGEST = 32_768
_TAPER_SAMPLES = 240
_SINGLE_S = 0.9
"""What is counted must be one bark, one knock: a longer recording may hold several."""
_FRAGMENT_SHARE = 0.35
_MOST_REPEATS = 9
_MIMIC_SHARE, _ENVELOPE_SAMPLES = 0.2, 160
_LAYERED_SHARE, _LAYER_DB = 0.25, (-18.0, 0.0)
_UNUSED = UNCLEAR | RESPOND_REPLIES.keys()


@dataclass(frozen=True, slots=True)
class RecordedStock:
    """Sounds by label, speech that asks nothing by source: 16 kHz, trimmed. Backgrounds whole."""

    sounds: Mapping[str, Sequence[Pcm]] = field(repr=False)
    speech: Mapping[str, Sequence[Pcm]] = field(repr=False)
    backgrounds: Sequence[Pcm] = field(repr=False)

    @classmethod
    def of(cls, recordings: Iterable[tuple[str, str, Pcm]]) -> RecordedStock:
        """(kind; label of a sound or a background, source of speech; 16 kHz)."""
        groups: dict[str, dict[str, list[Pcm]]] = {
            kind: defaultdict(list) for kind in (SOUND, SPEECH, BACKGROUND)
        }
        for kind, name, pcm in recordings:
            kept = pcm if kind == BACKGROUND else _trimmed(pcm)
            if len(kept) >= _SHORTEST_S * SAMPLE_RATE_HZ:
                groups[kind][name].append(kept)
        backgrounds = [pcm for group in groups[BACKGROUND].values() for pcm in group]
        return cls(dict(groups[SOUND]), dict(groups[SPEECH]), backgrounds)

    def has(self, label: str) -> bool:
        return bool(self._singles(label))

    def sound(self, label: str, rng: Rng) -> Wave:
        """One of this label, peak 0.6; of a long one the first seconds, of a lasting one any."""
        group = self._singles(label)
        pcm = group[int(rng.integers(len(group)))]
        if label in LASTING:
            pcm = _piece(pcm, uniform(rng, LEAST_OF_LASTING_S, MOST_OF_SOUND_S), rng)
        pcm = pcm[: int(MOST_OF_SOUND_S * SAMPLE_RATE_HZ)]
        return tapered(_wave(pcm, _PEAK / _peak(pcm)), _TAPER_SAMPLES)

    def ordinary(self, rng: Rng, without: str | None = None) -> tuple[str, Wave] | None:
        """Any sound that is not answered, or a piece of it; None when there is none.

        The more recordings a label has the more often it is drawn, by the square root.
        """
        labels = [x for x in self.sounds if x not in _UNUSED and x != without]
        if not labels:
            return None
        label, pcm = _one_of(labels, self.sounds, rng)
        heard, choice = _heard(pcm, rng), rng.random()
        if label in COUNTABLE or choice >= _LAYERED_SHARE + _MIMIC_SHARE:
            return label, heard
        other = _heard(_one_of(labels, self.sounds, rng)[1], rng)[: len(heard)]
        if choice < _LAYERED_SHARE:
            heard[: len(other)] += other * decibels(uniform(rng, *_LAYER_DB))
            return label, heard
        return MIMIC, _mimic(heard[: len(other)], other)

    def talk(self, rng: Rng, *, short: bool = False) -> Wave | None:
        """Somebody who asks nothing, or a word or two of it; None when there is nobody.

        A piece is as loud as it is in the whole, whose RMS is 0.06: a pause stays one.
        """
        if not self.speech:
            return None
        _, pcm = _one_of(list(self.speech), self.speech, rng)
        is_short = short or rng.random() < _FRAGMENT_SHARE
        piece = _piece(pcm, uniform(rng, *FRAGMENT_S) if is_short else MOST_OF_TALK_S, rng)
        return tapered(_wave(piece, SPEECH_RMS / _rms(pcm)), _TAPER_SAMPLES)

    def background(self, rng: Rng, count: int) -> Wave:
        """A random stretch of one, of RMS 1; a short one is heard again and again."""
        pcm = self.backgrounds[int(rng.integers(len(self.backgrounds)))]
        start = int(rng.integers(len(pcm)))
        return _wave(np.take(pcm, np.arange(start, start + count), mode="wrap"), 1 / _rms(pcm))

    def _singles(self, label: str) -> Sequence[Pcm]:
        group = self.sounds.get(label, ())
        if label not in COUNTABLE:
            return group
        return [pcm for pcm in group if len(pcm) <= _SINGLE_S * SAMPLE_RATE_HZ]


def read_recorded(
    collection: RecordingCollection,
    use: RecordingUse | None = None,
    hard: Mapping[str, float] | None = None,
) -> RecordedStock:
    """What may be trained with, or is for another use; speech whose text is a request is left out.

    `hard` are files that a model would answer wrongly, with its P(respond): one that it is sure of
    counts as ten recordings.

    :raises BadCollection: when a file is missing or damaged.
    """
    from interject.training.recordings.recording import RecordingUse

    requests, hardness = spoken_prompts(), hard or {}
    return RecordedStock.of(
        (
            recording.kind,
            recording.source if recording.kind == SPEECH else recording.label,
            pcm,
        )
        for recording in collection.select(use=use or RecordingUse.TRAIN)
        if _plain(recording.text or "") not in requests
        for pcm in repeat(
            np.round(collection.read(recording) * (_LARGEST - 1)).astype(np.int16),
            1 + round(hardness.get(recording.file, 0.0) * _MOST_REPEATS),
        )
    )


def _plain(text: str) -> str:
    return " ".join("".join(x for x in text.lower() if x.isalnum() or x in " '").split())


def _trimmed(pcm: Pcm) -> Pcm:
    """Without what is 36 dB under the loudest at both ends: a label lies where the sound ends."""
    level = np.abs(pcm.astype(np.int32))
    loud = np.flatnonzero(level > max(1.0, float(level.max(initial=0)) * _AUDIBLE))
    return pcm[int(loud[0]) : int(loud[-1]) + 1] if len(loud) else pcm[:0]


def _heard(pcm: Pcm, rng: Rng) -> Wave:
    piece = _piece(pcm, MOST_OF_SOUND_S, rng)
    return tapered(_wave(piece, _PEAK / _peak(pcm)), _TAPER_SAMPLES)


def _mimic(shape: Wave, other: Wave) -> Wave:
    """One that gets loud and soft as another does: a sound that no collection has."""
    wanted, own = _envelope(shape), _envelope(other)
    gain = np.minimum(wanted / (own + 1e-3), 10.0)
    mixed = other * np.interp(np.arange(len(other)), np.arange(len(gain)) * _ENVELOPE_SAMPLES, gain)
    wave: Wave = (mixed * (_PEAK / max(1e-3, float(np.abs(mixed).max(initial=0))))).astype(
        np.float32
    )
    return wave


def _envelope(wave: Wave) -> Wave:
    """RMS of every 10 ms."""
    padded = np.pad(wave, (0, -len(wave) % _ENVELOPE_SAMPLES))
    level: Wave = np.sqrt(np.mean(padded.reshape(-1, _ENVELOPE_SAMPLES) ** 2, axis=1))
    return level


def _piece(pcm: Pcm, most_s: float, rng: Rng) -> Pcm:
    most = int(most_s * SAMPLE_RATE_HZ)
    if len(pcm) <= most:
        return pcm
    start = int(rng.integers(len(pcm) - most))
    return pcm[start : start + most]


def _one_of(names: list[str], groups: Mapping[str, Sequence[Pcm]], rng: Rng) -> tuple[str, Pcm]:
    weights = np.sqrt(np.array([len(groups[name]) for name in names], np.float64))
    name = names[int(rng.choice(len(names), p=weights / weights.sum()))]
    return name, groups[name][int(rng.integers(len(groups[name])))]


def _wave(pcm: Pcm, gain: float) -> Wave:
    wave: Wave = pcm.astype(np.float32) * np.float32(gain)
    return wave


def _peak(pcm: Pcm) -> float:
    return max(1.0, float(np.abs(pcm.astype(np.int32)).max(initial=0)))


def _rms(pcm: Pcm) -> float:
    return max(1.0, float(np.sqrt(np.mean(np.square(pcm.astype(np.float32))))))

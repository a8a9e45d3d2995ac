"""Speech with what is known about it: phones and words with their times."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.speech.phones import UNKNOWN_PHONE

Pcm = np.ndarray[Any, np.dtype[np.int16]]
Phones = np.ndarray[Any, np.dtype[np.int8]]
PHONE_STEP_S = 0.02


class SynthesisError(Exception):
    """A speech synthesiser is missing or refused; the message says which and what to install."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """Speech at 16 kHz without silence at its ends.

    `phones` holds one id for every 20 ms. `word_ends` are (word, end in samples).
    """

    text: str
    voice: str
    pcm: Pcm = field(repr=False)
    phones: Phones = field(repr=False)
    word_ends: tuple[tuple[str, int], ...] = ()


def trimmed(
    text: str,
    voice: str,
    pcm: Pcm,
    rate_hz: int,
    track: list[tuple[float, int]],
    words: list[tuple[str, float]],
) -> Utterance:
    """Resample, trim silence to 40 dB under the loudest, shift the times with it."""
    import soxr  # missing where utterances are only read

    wav = np.asarray(soxr.resample(pcm.astype(np.float32), rate_hz, SAMPLE_RATE_HZ, "MQ"))
    loud = np.flatnonzero(np.abs(wav) > np.abs(wav).max(initial=1.0) * 0.015)
    first, last = (int(loud[0]), int(loud[-1]) + 1) if len(loud) else (0, len(wav))
    wav = wav[first:last]
    peak = np.abs(wav).max(initial=1.0)
    scaled = np.round(wav * (20_000 / peak)).astype(np.int16)
    offset_s, length_s = first / SAMPLE_RATE_HZ, len(scaled) / SAMPLE_RATE_HZ
    phones = np.full(int(length_s / PHONE_STEP_S) + 1, UNKNOWN_PHONE, np.int8)
    ends = [start for start, _ in track[1:]] + [offset_s + length_s]
    for (start, phone), end in zip(track, ends, strict=False):
        low, high = (int((t - offset_s) / PHONE_STEP_S + 0.5) for t in (start, end))
        phones[max(0, low) : max(0, high)] = phone
    bounded = [
        (w, min(max(0, int((e - offset_s) * SAMPLE_RATE_HZ)), len(scaled))) for w, e in words
    ]
    return Utterance(text, voice, scaled, phones, tuple(bounded))

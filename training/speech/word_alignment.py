"""When each word has been said, where the synthesiser does not tell."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.speech.speech_voice import WordTimes
from interject.training.streams.span import TimedWord

if TYPE_CHECKING:
    from interject.training.sounds.waves import Wave

Values = np.ndarray[Any, np.dtype[np.float64]]
Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]
FRAME_S = 0.01
PAUSE_S = 0.08
"""A gap that is shorter belongs to a plosive."""
PAUSE_DEPTH_DB = 35.0
"""Silent so far below the loud frames."""
SNAP_S = 0.35
"""A mark ends at the pause that begins this near to where it was expected."""
_MARKS = tuple(".,;:!?")
_VOWELS = re.compile(r"[aeiouy]+", re.IGNORECASE)


def spoken_words(text: str) -> list[str]:
    """What is between spaces and has a letter or a digit."""
    return [word for word in text.split() if any(letter.isalnum() for letter in word)]


def aligned(text: str, wave: Wave) -> tuple[tuple[TimedWord, ...], WordTimes]:
    """Spread the words over what sounds, by letters and syllables; marks end where pauses begin.

    Digital silence, or speech without a pause and of one level, leaves proportions only.
    """
    words = spoken_words(text)
    if not words:
        return (), WordTimes.PROPORTIONAL
    sounding = _sounding(wave)
    length_s = len(wave) / SAMPLE_RATE_HZ
    if sounding is None:
        ends = np.cumsum(_weights(words)) * length_s
        return _timed(words, ends, length_s), WordTimes.PROPORTIONAL
    ends = np.asarray(_placed(words, sounding)) * FRAME_S
    return _timed(words, ends, length_s), WordTimes.ENERGY


def _placed(words: list[str], sounding: Mask) -> list[int]:
    """The frame in which each word ends: between two marks by weight over what sounds there."""
    heard = np.concatenate((np.zeros(1), np.cumsum(sounding, dtype=np.float64)))
    pauses = _pauses(sounding)
    placed: list[int] = []
    while len(placed) < len(words):
        rest = words[len(placed) :]
        expected = _spread(rest, heard, placed[-1] if placed else 0, len(sounding))
        anchor = _next_anchor(rest, expected, pauses)
        if anchor is None:
            return placed + expected
        count, pause = anchor
        placed += _spread(rest[:count], heard, placed[-1] if placed else 0, pause)
        pauses = [later for later in pauses if later > pause]
    return placed


def _spread(words: list[str], heard: Values, first: int, last: int) -> list[int]:
    """Where a pause is, many frames share one count: the first of them is the end of a word."""
    shares = np.cumsum(_weights(words))
    counts = heard[first] + shares * (heard[last] - heard[first])
    ends = np.searchsorted(heard, counts - 1e-6)
    return [int(end) for end in np.clip(ends, first, last)]


def _next_anchor(
    words: list[str], expected: list[int], pauses: list[int]
) -> tuple[int, int] | None:
    """The first mark with a pause: how many words until there, and its frame.

    As many pauses as marks belong together, whatever lies between. Else the pause has to be near.
    """
    marked = [
        number for number, word in enumerate(words[:-1]) if word.rstrip("\"')]").endswith(_MARKS)
    ]
    if marked and len(marked) == len(pauses):
        return marked[0] + 1, pauses[0]
    for number in marked:
        gaps = [abs(pause - expected[number]) for pause in pauses]
        if gaps and min(gaps) * FRAME_S <= SNAP_S:
            return number + 1, pauses[gaps.index(min(gaps))]
    return None


def _timed(words: list[str], ends: Values, length_s: float) -> tuple[TimedWord, ...]:
    """In order and inside the sound; the last word ends with it."""
    inside = np.clip(np.maximum.accumulate(ends), 0.0, length_s).tolist()
    inside[-1] = length_s
    return tuple(TimedWord(word, end_s) for word, end_s in zip(words, inside, strict=True))


def _weights(words: list[str]) -> Values:
    """How long each lasts, as a share of all."""
    lengths = [
        1.0 + 0.5 * sum(map(str.isalnum, word)) + len(_VOWELS.findall(word)) for word in words
    ]
    shares: Values = np.asarray(lengths) / sum(lengths)
    return shares


def _sounding(wave: Wave) -> Mask | None:
    """One value a frame; None where nothing stands out."""
    size = int(FRAME_S * SAMPLE_RATE_HZ)
    count = len(wave) // size
    if not count:
        return None
    power = np.square(wave[: count * size].reshape(count, size), dtype=np.float64).mean(axis=1)
    loud = float(np.percentile(power, 90))
    sounding = power > loud * 10 ** (-PAUSE_DEPTH_DB / 10)
    if loud <= 0 or not sounding.any():
        return None
    edges = np.flatnonzero(np.diff(sounding, prepend=True, append=True))
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        if (last - first) * FRAME_S < PAUSE_S:
            sounding[first:last] = True
    return None if sounding.all() else sounding


def _pauses(sounding: Mask) -> list[int]:
    """The frame in which each pause inside begins."""
    starts = np.flatnonzero(np.diff(sounding.astype(np.int8)) == -1) + 1
    return [int(start) for start in starts if sounding[start:].any()]

"""When Kokoro says what, from how long its network says that each phoneme lasts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from interject.training.speech.ipa import MARKS
from interject.training.speech.phones import UNKNOWN_PHONE, phone_id

if TYPE_CHECKING:
    from collections.abc import Sequence

FRAME_S = 0.025
EARLY_S = 3 * FRAME_S
"""A phoneme is heard so much before its frames, as the loudness of single words shows."""
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_STRESS_AND_LENGTH = "\u02c8\u02cc\u02d0"
_PAIRS = {
    "t\u0283": "ch", "d\u0292": "jh", "e\u026a": "ey", "a\u026a": "ay", "a\u028a": "aw",
    "\u0254\u026a": "oy", "o\u028a": "ow", "\u0259\u028a": "ow", "e\u0259": "eh",
    "\u028a\u0259": "uh", "i\u0259": "ih", "\u026a\u0259": "ih",
}  # fmt: skip
_SINGLES = {
    "\u0251": "aa", "\u0252": "aa", "a": "ae", "\u00e6": "ae", "\u028c": "ah", "\u0259": "ah",
    "\u0250": "ah", "\u0254": "ao", "o": "ao", "\u025b": "eh", "e": "eh", "\u025c": "er",
    "\u025a": "er", "\u026a": "ih", "\u1d7b": "ih", "i": "iy", "\u028a": "uh", "u": "uw",
    "\u00f0": "dh", "\u03b8": "th", "\u0261": "g", "h": "hh", "\u014b": "ng", "\u0279": "r",
    "\u0283": "sh", "\u0292": "zh", "j": "y", "\u027e": "d", "\u0294": "t",
    **{letter: letter for letter in "bdfklmnpstvwz"},
}  # fmt: skip


def phone_track(phonemes: str, frames: Sequence[float]) -> list[tuple[float, int]]:
    """(start in seconds, phone class) of English phonemes; `frames` has the silence at both ends.

    A mark of stress or length belongs to the vowel beside it, a space to what stands before it.
    """
    starts = _starts_s(frames)
    track = [(0.0, phone_id("_"))]
    at = 0
    while at < len(phonemes):
        pair = _PAIRS.get(phonemes[at : at + 2])
        name = pair or _SINGLES.get(phonemes[at])
        if name:
            track.append((starts[at], phone_id(name)))
        elif phonemes[at] in MARKS:
            track.append((starts[at], phone_id("_")))
        elif phonemes[at] not in _STRESS_AND_LENGTH and not phonemes[at].isspace():
            track.append((starts[at], UNKNOWN_PHONE))
        at += 2 if pair else 1
    return track


def word_ends_s(text: str, phonemes: str, frames: Sequence[float]) -> list[tuple[str, float]]:
    """None where espeak-ng drew words together, as it does with "has not"."""
    words = [word.lower() for word in _WORD.findall(text)]
    starts = _starts_s(frames)
    ends = [starts[group.end()] for group in re.finditer(rf"[^\s{MARKS}]+", phonemes)]
    return list(zip(words, ends, strict=True)) if len(words) == len(ends) else []


def _starts_s(frames: Sequence[float]) -> list[float]:
    """Of each phoneme, and of the silence behind the last."""
    heard = np.cumsum(np.asarray(frames, np.float64))[:-1] * FRAME_S - EARLY_S
    return [max(0.0, float(start)) for start in heard]

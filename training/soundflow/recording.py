"""Speech that somebody recorded, in place of a synthesiser's."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from interject.agent.sound_file import BadSound, read_sound_file
from interject.training.soundflow.sound_check import checked
from interject.training.soundflow.sound_frames import energies, in_samples
from interject.training.speech.speech_voice import SpokenText
from interject.training.speech.word_alignment import aligned

if TYPE_CHECKING:
    from pathlib import Path

    from interject.training.sounds.waves import Wave

FRAME_MS = 20.0
DEPTH_DB = 35.0
"""What is so far under the loudest frame is no speech: an answer must not wait for its end."""
KEPT_RECORDINGS = 256


@dataclass(frozen=True, slots=True)
class Recording:
    path: Path
    licence: str

    def spoken(self) -> Wave:
        """16 kHz, without what lies before and behind the speech.

        :raises BadSound: when it cannot be read, or is silent.
        :raises UnusableSound: when it is clipped.
        """
        return _spoken(self.path)

    def say(self, text: str) -> SpokenText:
        """The words are timed by energy. Nobody has to check what a person said."""
        wave = self.spoken()
        words, word_times = aligned(text, wave)
        return SpokenText(text, wave, words, word_times, self.path.name, self.licence, ())


@lru_cache(maxsize=KEPT_RECORDINGS)
def _spoken(path: Path) -> Wave:
    wave = checked(read_sound_file(path))
    size = in_samples(FRAME_MS)
    power = energies(wave, size)
    loud = np.flatnonzero(power > power.max(initial=0.0) * 10 ** (-DEPTH_DB / 10))
    if not len(loud):
        raise BadSound("is silent")
    spoken: Wave = wave[loud[0] * size : (loud[-1] + 1) * size]
    return spoken

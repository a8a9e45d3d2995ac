"""Who reads a plan of natural speech aloud."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from interject.agent.voice.base import VoiceFailure
from interject.agent.voice.installed import voice_in
from interject.agent.voice.neural.kokoro import RATE_HZ
from interject.agent.voice.neural.network_file import StopSwitch
from interject.agent.voice.neural.piper import PiperNetwork
from interject.agent.voice.neural.rendering import Manner
from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.speech.ipa import phonemes
from interject.training.speech.kokoro_timing import phone_track, word_ends_s
from interject.training.speech.local_voices import FULL_SCALE
from interject.training.speech.utterance import Pcm, SynthesisError, Utterance, trimmed
from interject.training.speech.word_alignment import aligned

if TYPE_CHECKING:
    from pathlib import Path

    from interject.training.nano.speech_plan import PlannedUtterance
    from interject.training.sounds.waves import Wave
    from interject.training.speech.kokoro_speakers import KokoroCast
    from interject.training.speech.kokoro_voice import KokoroModel

_SLOWEST, _USUAL, _FASTEST = 0.75, 1.0, 1.4


@dataclass(frozen=True, slots=True)
class KokoroReader:
    """Each time somebody else of the cast."""

    model: KokoroModel
    cast: KokoroCast

    def say(self, planned: PlannedUtterance) -> Utterance:
        """:raises SynthesisError: when it cannot be said."""
        rng = random.Random(f"who {planned.seed}")
        speaker = self.cast.draw(rng)
        if planned.language:
            speaker = self.cast.draw_foreign(planned.language, rng) or speaker
        text = planned.text + planned.ending
        sound = self.model.render(text, speaker.styles, speaker.language, _speed(rng))
        track, ends = [], []
        if sound.frames and not planned.language:
            track = phone_track(sound.phonemes, sound.frames)
            ends = word_ends_s(text, sound.phonemes, sound.frames)
        name, pcm = f"kokoro {speaker.name}", _pcm(sound.wave)
        said = trimmed(planned.text, name, pcm, RATE_HZ, track, ends)
        return said if ends or planned.language else _with_words(said)


class PiperReader:
    """One voice of Piper. Its phones stay unknown.

    :raises SynthesisError: when there is none, or it cannot be loaded.
    """

    def __init__(self, folder: Path) -> None:
        installed = voice_in(folder)
        if installed is None or installed.engine != "piper":
            raise SynthesisError(f"{folder}: holds no voice of Piper, NAME.onnx and its .json")
        self._name = f"piper {installed.network.stem}"
        try:
            self._network = PiperNetwork(installed.network)
        except VoiceFailure as error:
            raise SynthesisError(str(error)) from error

    def say(self, planned: PlannedUtterance) -> Utterance:
        """:raises SynthesisError: when it cannot be said."""
        manner = Manner(speed=_speed(random.Random(f"who {planned.seed}")))
        ipa = phonemes(planned.text + planned.ending, self._network.language_of(""))
        try:
            sound = self._network.synthesise(ipa, manner, StopSwitch()).samples
        except VoiceFailure as error:
            raise SynthesisError(str(error)) from error
        rate_hz = self._network.sample_rate_hz
        return _with_words(trimmed(planned.text, self._name, _pcm(sound), rate_hz, [], []))


def _speed(rng: random.Random) -> float:
    return rng.triangular(_SLOWEST, _FASTEST, _USUAL)


def _pcm(wave: Wave) -> Pcm:
    return np.round(np.clip(wave, -1, 1) * 32_767).astype(np.int16)


def _with_words(said: Utterance) -> Utterance:
    words, _ = aligned(said.text, said.pcm.astype(np.float32) / FULL_SCALE)
    ends = [(word.text.strip(".,!?;:").lower(), int(word.end_s * SAMPLE_RATE_HZ)) for word in words]
    return replace(said, word_ends=tuple(ends))

"""Kokoro-82M, a small neural voice, from a folder that the user has filled.

The folder holds a network, `tokenizer.json` (or `vocabulary.json`) and `voices/NAME.bin`, as the
model is published and `interject voice fetch` brings it. Nothing of it comes with Interject.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from interject.agent.voice.base import VoiceFailure
from interject.agent.voice.installed import voice_in
from interject.agent.voice.neural.kokoro import (
    LETTERS,
    MOST_SYMBOLS,
    RATE_HZ,
    STYLE_SIZE,
    read_vocabulary,
)
from interject.agent.voice.neural.network_file import NetworkFile, StopSwitch
from interject.training.speech.ipa import phonemes
from interject.training.speech.local_voices import FULL_SCALE, SLOWER, aligned_speech, sayable
from interject.training.speech.utterance import SynthesisError, trimmed

if TYPE_CHECKING:
    from pathlib import Path

    from interject.training.sounds.waves import Wave
    from interject.training.speech.speech_voice import SpokenText

LICENCE = "Apache-2.0 (Kokoro-82M)"
PAUSE_S = 0.12
"""Between sentences, which are said one by one."""
_SENTENCE = re.compile(r"[^.!?]*[^.!?\s][^.!?]*[.!?]*")
_ENGLISH = {"a": "en-us", "b": "en-gb"}
"""By the first letter of a voice's name."""


@dataclass(frozen=True, slots=True)
class KokoroSound:
    """Samples at 24 kHz of the phonemes that Kokoro knows.

    `frames` is how long each lasts, with the silence before the first and behind the last; None
    where the model does not tell.
    """

    wave: Wave = field(repr=False)
    phonemes: str
    frames: list[float] | None = field(repr=False)


class KokoroModel:
    """Threads may share one. The agent's own Kokoro says replies; this one takes any style.

    :raises SynthesisError: when ONNX Runtime, espeak-ng or a file is missing.
    """

    def __init__(self, folder: Path, *, threads: int = 1) -> None:
        self._folder = folder
        installed = voice_in(folder)
        if installed is None or installed.engine != "kokoro":
            raise SynthesisError(f"{folder}: holds no Kokoro-82M with its voices/NAME.bin")
        try:
            self._vocabulary = read_vocabulary(folder)
            self._network = NetworkFile(installed.network, threads=threads)
        except VoiceFailure as error:
            raise SynthesisError(str(error)) from error

    @property
    def voices(self) -> list[str]:
        """Those that speak English."""
        return [name for name in self.all_voices if name[0] in _ENGLISH]

    @property
    def all_voices(self) -> list[str]:
        return sorted(path.stem for path in (self._folder / "voices").glob("*.bin"))

    def speak(self, text: str, voice: str, speed: float) -> Wave:
        """Samples at 24 kHz.

        :raises SynthesisError: when there is no such voice, or the text has no phonemes.
        """
        if voice not in self.voices:
            raise SynthesisError(f"kokoro has no voice {voice!r}; it has {', '.join(self.voices)}")
        return self.render(text, self.styles(voice), _ENGLISH[voice[0]], speed).wave

    def render(self, text: str, styles: Wave, language: str, speed: float) -> KokoroSound:
        """In a style [tokens, style]: a text of so many tokens takes that row.

        :raises SynthesisError: when the text has no phonemes.
        """
        spoken = phonemes(text, language).translate(LETTERS)
        known = [letter for letter in spoken if letter in self._vocabulary][:MOST_SYMBOLS]
        if not known:
            raise SynthesisError("kokoro was given a text without phonemes")
        tokens = [0, *(self._vocabulary[letter] for letter in known), 0]
        inputs = {
            self._network.input_names[0]: np.array([tokens], np.int64),
            "style": styles[min(len(known), len(styles) - 1)][None],
            "speed": np.array([speed], np.float32),
        }
        try:
            wave, frames = self._network.run(inputs, StopSwitch())
        except VoiceFailure as error:
            raise SynthesisError(str(error)) from error
        return KokoroSound(wave, "".join(known), None if frames is None else frames.tolist())

    def styles(self, voice: str) -> Wave:
        """:raises SynthesisError: when the folder has no such voice."""
        if voice not in self.all_voices:
            raise SynthesisError(f"{self._folder}/voices: has no {voice}.bin")
        styles = np.fromfile(self._folder / "voices" / f"{voice}.bin", np.float32)
        return styles[: len(styles) // STYLE_SIZE * STYLE_SIZE].reshape(-1, STYLE_SIZE)


class KokoroSpeech:
    """The times of words are aligned by energy."""

    licence = LICENCE

    def __init__(self, model: KokoroModel, voice: str) -> None:
        self._model, self._voice = model, voice

    @property
    def name(self) -> str:
        return f"kokoro {self._voice}"

    def say(self, text: str, attempt: int = 0) -> SpokenText:
        """:raises SynthesisError: when it cannot be said."""
        pause = np.zeros(round(PAUSE_S * RATE_HZ), np.float32)
        pieces = []
        for sentence in _SENTENCE.findall(sayable(text, self.name)):
            if any(letter.isalnum() for letter in sentence):
                pieces += [self._model.speak(sentence.strip(), self._voice, SLOWER**attempt), pause]
        wave = np.clip(np.concatenate(pieces[:-1]), -1, 1)
        pcm = np.round(wave * 32_767).astype(np.int16)
        said = trimmed(text, self.name, pcm, RATE_HZ, [], [])
        return aligned_speech(text, said.pcm.astype(np.float32) / FULL_SCALE, self)

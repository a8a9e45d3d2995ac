"""Kokoro-82M, a small neural voice, from a folder that the user has filled.

The folder holds `model.onnx`, `vocabulary.json` (or `tokenizer.json`) and `voices/NAME.bin`, as the
model is published. Nothing of it comes with Interject.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from interject.training.speech.ipa import phonemes
from interject.training.speech.kokoro_timing import with_durations
from interject.training.speech.local_voices import FULL_SCALE, SLOWER, aligned_speech, sayable
from interject.training.speech.utterance import SynthesisError, trimmed

if TYPE_CHECKING:
    from pathlib import Path

    from interject.training.sounds.waves import Wave
    from interject.training.speech.speech_voice import SpokenText

RATE_HZ = 24_000
LICENCE = "Apache-2.0 (Kokoro-82M)"
STYLE_SIZE = 256
MOST_TOKENS = 510
PAUSE_S = 0.12
"""Between sentences, which are said one by one."""
_SENTENCE = re.compile(r"[^.!?]*[^.!?\s][^.!?]*[.!?]*")
_ENGLISH = {"a": "en-us", "b": "en-gb"}
LANGUAGES = {**_ENGLISH, "e": "es", "f": "fr-fr", "i": "it", "p": "pt-br"}
"""By the first letter of a voice's name; espeak-ng has no phonemes for the other languages."""
_LETTERS = str.maketrans(
    {
        "r": "\N{LATIN SMALL LETTER TURNED R}",
        "x": "k",
        "\N{LATIN SMALL LETTER L WITH BELT}": "l",
        "\N{MODIFIER LETTER SMALL J}": "j",
    }
)
"""What espeak-ng writes and Kokoro does not know, and what it knows instead."""


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
    """Threads may share one. With `timed` it also tells how long phonemes last, if it can.

    :raises SynthesisError: when onnxruntime, espeak-ng or a file is missing.
    """

    def __init__(self, folder: Path, *, threads: int = 1, timed: bool = False) -> None:
        self._folder = folder
        if not (folder / "model.onnx").is_file():
            raise SynthesisError(f"{folder}: holds no model.onnx of Kokoro-82M")
        try:
            import onnxruntime
        except ImportError as error:
            raise SynthesisError(
                "onnxruntime is not installed: pip install 'interject[kokoro]'"
            ) from error
        self._vocabulary = _vocabulary(folder)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1

        def opened(model: str | bytes) -> Any:
            return onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])

        self._session: Any = None
        if timed:
            with suppress(Exception):  # onnxruntime's own have no common base
                self._session = opened(with_durations((folder / "model.onnx").read_bytes()))
        try:
            self._session = self._session or opened(str(folder / "model.onnx"))
        except Exception as error:
            reason = " ".join(str(error).split())[:200]
            raise SynthesisError(f"{folder}/model.onnx: cannot be loaded: {reason}") from error
        self._tokens_name = self._session.get_inputs()[0].name

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
        spoken = phonemes(text, language).translate(_LETTERS)
        known = [letter for letter in spoken if letter in self._vocabulary][:MOST_TOKENS]
        if not known:
            raise SynthesisError("kokoro was given a text without phonemes")
        tokens = [0, *(self._vocabulary[letter] for letter in known), 0]
        inputs = {
            self._tokens_name: np.array([tokens], np.int64),
            "style": styles[min(len(known), len(styles) - 1)][None],
            "speed": np.array([speed], np.float32),
        }
        wave, *durations = self._session.run(None, inputs)
        frames = np.ravel(durations[0]).tolist() if durations else None
        return KokoroSound(np.asarray(wave, np.float32).ravel(), "".join(known), frames)

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


def _vocabulary(folder: Path) -> dict[str, int]:
    for name in ("vocabulary.json", "tokenizer.json"):
        try:
            content = json.loads((folder / name).read_text(encoding="utf-8"))
            content = content.get("model", content)
            found = content.get("vocab", content)
            return {str(letter): int(number) for letter, number in found.items()}
        except FileNotFoundError:
            continue
        except (ValueError, AttributeError, TypeError) as error:
            raise SynthesisError(f"{folder / name}: is no vocabulary of Kokoro-82M") from error
    raise SynthesisError(f"{folder}: holds no vocabulary.json (phoneme to number) of Kokoro-82M")

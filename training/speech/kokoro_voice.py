"""Kokoro-82M, a small neural voice, from a folder that the user has filled.

The folder holds `model.onnx`, `vocabulary.json` (or `tokenizer.json`) and `voices/NAME.bin`, as the
model is published. Nothing of it comes with Interject.
"""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import numpy as np

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
_MARKS = re.compile(r"([.,!?;:]+)")
_LANGUAGES = {"a": "en-us", "b": "en-gb"}
"""By the first letter of a voice's name; the other languages need other phonemes."""
_LETTERS = str.maketrans(
    {
        "r": "\N{LATIN SMALL LETTER TURNED R}",
        "x": "k",
        "\N{LATIN SMALL LETTER L WITH BELT}": "l",
        "\N{MODIFIER LETTER SMALL J}": "j",
    }
)
"""What espeak-ng writes and Kokoro does not know, and what it knows instead."""


class KokoroModel:
    """Threads may share one.

    :raises SynthesisError: when onnxruntime, espeak-ng or a file is missing.
    """

    def __init__(self, folder: Path, *, threads: int = 1) -> None:
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
        try:
            self._session: Any = onnxruntime.InferenceSession(
                str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's own exceptions have no common base
            reason = " ".join(str(error).split())[:200]
            raise SynthesisError(f"{folder}/model.onnx: cannot be loaded: {reason}") from error
        self._tokens_name = self._session.get_inputs()[0].name

    @property
    def voices(self) -> list[str]:
        """Those whose language is known here."""
        names = sorted(path.stem for path in (self._folder / "voices").glob("*.bin"))
        return [name for name in names if name[0] in _LANGUAGES]

    def speak(self, text: str, voice: str, speed: float) -> Wave:
        """Samples at 24 kHz.

        :raises SynthesisError: when there is no such voice, or the text has no phonemes.
        """
        styles = self._styles(voice)
        phonemes = _phonemes(text, _LANGUAGES[voice[0]])
        tokens = [self._vocabulary[p] for p in phonemes if p in self._vocabulary][:MOST_TOKENS]
        if not tokens:
            raise SynthesisError("kokoro was given a text without phonemes")
        inputs = {
            self._tokens_name: np.array([[0, *tokens, 0]], np.int64),
            "style": styles[min(len(tokens), len(styles) - 1)][None],
            "speed": np.array([speed], np.float32),
        }
        wave: Wave = np.asarray(self._session.run(None, inputs)[0], np.float32).ravel()
        return wave

    def _styles(self, voice: str) -> Wave:
        """[tokens, style]: a text of so many tokens takes that row."""
        if voice not in self.voices:
            raise SynthesisError(f"kokoro has no voice {voice!r}; it has {', '.join(self.voices)}")
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


def _phonemes(text: str, language: str) -> str:
    """IPA by espeak-ng; marks stay where they are."""
    phonemes = ""
    for piece in filter(str.strip, _MARKS.split(text)):
        if _MARKS.fullmatch(piece):
            phonemes += piece
            continue
        command = ["espeak-ng", "-q", "--ipa", "-v", language, "--", piece.strip()]
        try:
            done = subprocess.run(command, capture_output=True, check=True, text=True, timeout=20)
        except (OSError, subprocess.SubprocessError) as error:
            raise SynthesisError("espeak-ng gave no phonemes: install espeak-ng") from error
        phonemes += (" " if phonemes else "") + " ".join(done.stdout.split())
    return phonemes.translate(_LETTERS)

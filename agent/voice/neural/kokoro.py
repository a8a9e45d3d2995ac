"""Kokoro-82M: one network, and a file of styles for each of its speakers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from interject.agent.voice.base import VoiceFailure
from interject.agent.voice.neural.network_file import NetworkFile
from interject.agent.voice.neural.rendering import RawSpeech

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from interject.agent.voice.neural.network_file import StopSwitch
    from interject.agent.voice.neural.rendering import Manner

RATE_HZ = 24_000
STYLE_SIZE = 256
MOST_SYMBOLS = 510
VOCABULARIES = ("tokenizer.json", "vocabulary.json")
LANGUAGES = {
    "a": "en-us",
    "b": "en-gb",
    "e": "es",
    "f": "fr-fr",
    "h": "hi",
    "i": "it",
    "p": "pt-br",
}
"""By the first letter of a speaker's name. Japanese and Chinese need other phonemes."""
EARLY_S = 0.04
"""By so much its phonemes are heard before their frames, as measured on words between pauses."""
LETTERS = str.maketrans(
    {
        "r": "\N{LATIN SMALL LETTER TURNED R}",
        "x": "k",
        "\N{LATIN SMALL LETTER L WITH BELT}": "l",
        "\N{MODIFIER LETTER SMALL J}": "j",
    }
)
"""What espeak-ng writes and Kokoro does not know, and what it knows instead; one for one."""


class KokoroNetwork:
    """:raises VoiceFailure: when a file or a library is missing or not what it must be."""

    def __init__(self, folder: Path, network: Path) -> None:
        self._styles = {path.stem: path for path in sorted((folder / "voices").glob("*.bin"))}
        self._vocabulary = read_vocabulary(folder)
        self._loaded: dict[str, NDArray[np.float32]] = {}
        self._file = NetworkFile(network)
        self._symbols_name = self._file.input_names[0]

    @property
    def sample_rate_hz(self) -> int:
        return RATE_HZ

    def language_of(self, speaker: str) -> str:
        if speaker not in self._styles or speaker[0] not in LANGUAGES:
            known = [name for name in self._styles if name[0] in LANGUAGES]
            raise VoiceFailure(
                f"this Kokoro voice has no speaker {speaker!r}; it has {', '.join(known) or 'none'}"
            )
        return LANGUAGES[speaker[0]]

    def synthesise(self, ipa: str, manner: Manner, stop: StopSwitch) -> RawSpeech:
        symbols, places = [0], []
        for phoneme in ipa.translate(LETTERS):
            places.append(len(symbols))
            if phoneme in self._vocabulary and len(symbols) <= MOST_SYMBOLS:
                symbols.append(self._vocabulary[phoneme])
        styles = self._styles_of(manner.speaker)
        inputs = {
            self._symbols_name: np.array([[*symbols, 0]], np.int64),
            "style": styles[min(len(symbols) - 1, len(styles) - 1)][None],
            "speed": np.array([manner.speed], np.float32),
        }
        samples, frames = self._file.run(inputs, stop)
        if frames is None or len(frames) != len(symbols) + 1:
            frames = np.ones(len(symbols) + 1, np.float32)
        edges = np.concatenate([[0], np.cumsum(frames)]) / frames.sum() * len(samples)
        edges = (edges - EARLY_S * RATE_HZ).clip(0).astype(np.int64)
        return RawSpeech(samples, edges[places], edges[np.array(places) + 1])

    def _styles_of(self, speaker: str) -> NDArray[np.float32]:
        """[symbols, style]: a text of so many symbols takes that row."""
        if speaker not in self._loaded:
            self.language_of(speaker)
            styles = np.fromfile(self._styles[speaker], np.float32)
            if len(styles) < STYLE_SIZE:
                raise VoiceFailure(f"{self._styles[speaker]}: holds no styles of Kokoro-82M")
            whole = len(styles) // STYLE_SIZE * STYLE_SIZE
            self._loaded[speaker] = styles[:whole].reshape(-1, STYLE_SIZE)
        return self._loaded[speaker]


def read_vocabulary(folder: Path) -> dict[str, int]:
    """:raises VoiceFailure: when there is none."""
    for path in (folder / name for name in VOCABULARIES):
        if not path.is_file():
            continue
        try:
            content: Any = json.loads(path.read_text(encoding="utf-8"))
            content = content.get("model", content)
            found = content.get("vocab", content)
            return {str(letter): int(number) for letter, number in found.items()}
        except (OSError, ValueError, AttributeError, TypeError) as error:
            raise VoiceFailure(f"{path}: is no vocabulary of Kokoro-82M") from error
    raise VoiceFailure(f"{folder}: holds no {VOCABULARIES[0]} of Kokoro-82M")

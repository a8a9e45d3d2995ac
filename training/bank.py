"""A bank of utterances: made once, kept in a cache folder, drawn from by key."""

from __future__ import annotations

import json
import logging
import random
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interject.training.espeak import Espeak
from interject.training.language import spoken_prompts
from interject.training.talk import unrelated
from interject.training.utterance import Phones, Utterance
from interject.training.voices import random_espeak, random_flite

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

UNRELATED = "unrelated"
_RARE_SHARE = 0.2
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BankSize:
    """How many utterances: of each wording, and of unrelated talk."""

    espeak_a_wording: int = 100
    flite_a_wording: int = 18
    espeak_unrelated: int = 13_000
    foreign_unrelated: int = 1_200
    flite_unrelated: int = 2_200


class SpeechBank:
    """Utterances by what they ask; `UNRELATED` holds the talk that asks nothing."""

    def __init__(self, items: Sequence[tuple[str, Utterance]]) -> None:
        self._texts = [utterance.text for _, utterance in items]
        self._voices = [utterance.voice for _, utterance in items]
        self._words = [utterance.word_ends for _, utterance in items]
        self._keys = [key for key, _ in items]
        self._pcm = np.concatenate([u.pcm for _, u in items])
        self._phones: Phones = np.concatenate([u.phones for _, u in items])
        self._ends = np.cumsum([0] + [len(u.pcm) for _, u in items])
        self._phone_ends = np.cumsum([0] + [len(u.phones) for _, u in items])
        self._index()

    def _index(self) -> None:
        groups: dict[str, list[int]] = defaultdict(list)
        for number, key in enumerate(self._keys):
            groups[key].append(number)
        self.groups = dict(groups)
        self._rare = {
            key: [n for n in group if self._voices[n].startswith("flite")]
            for key, group in groups.items()
        }

    def __len__(self) -> int:
        return len(self._texts)

    def __getitem__(self, number: int) -> Utterance:
        return Utterance(
            self._texts[number],
            self._voices[number],
            self._pcm[self._ends[number] : self._ends[number + 1]],
            self._phones[self._phone_ends[number] : self._phone_ends[number + 1]],
            self._words[number],
        )

    def draw(self, key: str, rng: np.random.Generator) -> Utterance:
        """A random utterance; flite, with fewer of them, is drawn more often than its share."""
        rare = self._rare.get(key)
        group = rare if rare and rng.random() < _RARE_SHARE else self.groups[key]
        return self[group[int(rng.integers(len(group)))]]

    @property
    def hours(self) -> float:
        return len(self._pcm) / 16_000 / 3_600

    def save(self, path: Path) -> None:
        """Write it so that a killed process leaves no half file."""
        about = {
            "texts": self._texts,
            "voices": self._voices,
            "words": self._words,
            "keys": self._keys,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(path.name + ".part.npz")
        np.savez(
            partial, pcm=self._pcm, phones=self._phones, ends=self._ends,
            phone_ends=self._phone_ends,
            about=np.frombuffer(json.dumps(about).encode(), np.uint8),
        )  # fmt: skip
        partial.rename(path)

    @classmethod
    def load(cls, path: Path) -> SpeechBank:
        bank = cls.__new__(cls)
        with np.load(path) as data:
            bank._pcm, bank._phones = data["pcm"], data["phones"]
            bank._ends, bank._phone_ends = data["ends"], data["phone_ends"]
            about = json.loads(data["about"].tobytes())
        bank._texts, bank._voices, bank._keys = about["texts"], about["voices"], about["keys"]
        bank._words = [tuple((word, int(end)) for word, end in words) for words in about["words"]]
        bank._index()
        return bank


def _speak_all(size: BankSize, seed: int) -> Iterator[tuple[str, Utterance]]:
    rng, espeak = random.Random(seed), Espeak()
    for number, (wording, key) in enumerate(spoken_prompts().items()):
        _log.info("speaking wording %d: espeak-ng and flite", number)
        for _ in range(size.espeak_a_wording):
            yield key, random_espeak(espeak, wording, rng)
        for _ in range(size.flite_a_wording):
            yield key, random_flite(wording, rng)
    _log.info("speaking unrelated talk")
    for _ in range(size.espeak_unrelated):
        yield UNRELATED, random_espeak(espeak, unrelated(rng), rng)
    for _ in range(size.foreign_unrelated):
        yield UNRELATED, random_espeak(espeak, unrelated(rng), rng, foreign=True)
    for _ in range(size.flite_unrelated):
        yield UNRELATED, random_flite(unrelated(rng), rng)


def _audible(utterance: Utterance) -> bool:
    return len(utterance.pcm) > 3_200 and int(np.abs(utterance.pcm).max()) > 1_000


def make_bank(size: BankSize, seed: int) -> SpeechBank:
    """:raises SynthesisError: when a synthesiser is missing."""
    return SpeechBank([item for item in _speak_all(size, seed) if _audible(item[1])])


def open_bank(folder: Path, size: BankSize, seed: int) -> SpeechBank:
    """The bank of this size and seed, made first if it is not there."""
    parts = (size.espeak_a_wording, size.flite_a_wording, size.espeak_unrelated,
             size.foreign_unrelated, size.flite_unrelated)  # fmt: skip
    path = folder / f"speech-{seed}-{'-'.join(map(str, parts))}.npz"
    if path.is_file():
        return SpeechBank.load(path)
    bank = make_bank(size, seed)
    bank.save(path)
    return bank

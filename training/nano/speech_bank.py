"""A bank of utterances: made once, kept in a cache folder, drawn from by key."""

from __future__ import annotations

import hashlib
import json
import logging
import random
from collections import defaultdict
from dataclasses import astuple, dataclass
from itertools import chain, zip_longest
from typing import TYPE_CHECKING

import numpy as np

from interject.training.dataset.durable_files import naming
from interject.training.nano.forked_pool import forked_pool
from interject.training.nano.isolated import isolated, isolated_anywhere
from interject.training.nano.language import replies, spoken_prompts
from interject.training.nano.near_miss import near_miss
from interject.training.nano.talk_grammar import unrelated
from interject.training.speech.utterance import Phones, Utterance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from interject.training.speech.espeak import Espeak

UNRELATED, NEAR_MISS, ISOLATED, OWN = "unrelated", "near_miss", "isolated", "own: "
_PORTION = 250
_SAMPLE = 300
_RARE_SHARE = 0.2
_FOREIGN_SHARE = 0.3
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BankSize:
    """How many utterances: of each wording, of unrelated talk, of near misses, of each reply, of
    what people say alone.

    Every rendering of flite is transformed in `transforms` ways.
    """

    espeak_a_wording: int = 80
    flite_a_wording: int = 16
    espeak_unrelated: int = 8_000
    foreign_unrelated: int = 1_000
    flite_unrelated: int = 1_500
    espeak_near_miss: int = 6_000
    flite_near_miss: int = 1_500
    transforms: int = 3
    own_a_reply: int = 40
    isolated: int = 7_000


class SpeechBank:
    """Utterances by what they ask; `UNRELATED`, `NEAR_MISS` and `ISOLATED` hold what asks nothing.

    `OWN` and a reply is that reply as the agent hears it when its own voice comes back.
    """

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
        self.own = sorted(key for key in groups if key.startswith(OWN))
        self._rare = {
            key: [n for n in group if self._voices[n].startswith("flite")]
            for key, group in groups.items()
        }

    def items(self) -> Iterator[tuple[str, Utterance]]:
        return ((key, self[number]) for number, key in enumerate(self._keys))

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
        """Write it so that a killed process leaves no half file, and a full disk none at all.

        :raises OSError: naming the file, when it cannot be written.
        """
        about = {
            "texts": self._texts,
            "voices": self._voices,
            "words": self._words,
            "keys": self._keys,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(path.name + ".part.npz")
        try:
            with naming(path):
                np.savez(
                    partial, pcm=self._pcm, phones=self._phones, ends=self._ends,
                    phone_ends=self._phone_ends,
                    about=np.frombuffer(json.dumps(about).encode(), np.uint8),
                )  # fmt: skip
                partial.rename(path)
        finally:
            partial.unlink(missing_ok=True)

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


@dataclass(frozen=True, slots=True)
class _Portion:
    """What is spoken with one seed, by whichever process: a wording, or some talk."""

    key: str
    wording: str | None
    espeak: int
    foreign: int
    flite: int


def _portions(size: BankSize) -> list[_Portion]:
    wanted = [
        _Portion(key, wording, size.espeak_a_wording, 0, size.flite_a_wording)
        for wording, key in spoken_prompts().items()
    ]
    for key, count, shares in (
        (UNRELATED, size.espeak_unrelated, (1, 0, 0)),
        (UNRELATED, size.foreign_unrelated, (0, 1, 0)),
        (UNRELATED, size.flite_unrelated, (0, 0, 1)),
        (NEAR_MISS, size.espeak_near_miss, (1, 0, 0)),
        (NEAR_MISS, size.flite_near_miss, (0, 0, 1)),
        (ISOLATED, size.isolated, (1, 0, 0)),
    ):
        for first in range(0, count, _PORTION):
            portion = min(_PORTION, count - first)
            wanted.append(_Portion(key, None, *(portion * share for share in shares)))
    return wanted + [
        _Portion(OWN + reply, reply, size.own_a_reply, 0, 0) for reply in sorted(set(replies()))
    ]


def _speak(
    portion: _Portion, espeak: Espeak, transforms: int, rng: random.Random
) -> Iterator[Utterance]:
    from interject.training.speech.voices import (
        FOREIGN,
        agent_voice,
        random_espeak,
        random_flite,
    )

    talk = near_miss if portion.key == NEAR_MISS else unrelated

    def text() -> str:
        return portion.wording or talk(rng)

    voice = agent_voice if portion.key.startswith(OWN) else random_espeak
    if portion.key == ISOLATED:
        said = (isolated_anywhere(rng, _FOREIGN_SHARE) for _ in range(portion.espeak))
        yield from (random_espeak(espeak, words, rng, language=where) for where, words in said)
        return
    for _ in range(portion.espeak):
        yield voice(espeak, text(), rng)
    for _ in range(portion.foreign):
        yield random_espeak(espeak, text(), rng, language=rng.choice(FOREIGN))
    for _ in range(portion.flite):
        yield from random_flite(text(), rng, transforms)


def _speak_all(
    size: BankSize, seed: int, first: int, step: int, said: Callable[[], object] | None = None
) -> list[list[tuple[str, Utterance]]]:
    """Every `step`-th portion from `first` on.

    What binds espeak-ng is imported here: it may be missing where a bank is only read.
    """
    from interject.training.speech.espeak import Espeak

    espeak, portions = Espeak(), []
    for number, portion in list(enumerate(_portions(size)))[first::step]:
        _log.info("speaking portion %d", number)
        spoken = []
        for one in _speak(portion, espeak, size.transforms, random.Random(f"{seed} {number}")):
            spoken += [(portion.key, one)] if _audible(one) else []
            if said is not None:
                said()
        portions.append(spoken)
    return portions


def _audible(utterance: Utterance) -> bool:
    return len(utterance.pcm) > 2_400 and int(np.abs(utterance.pcm).max()) > 1_000


def make_bank(
    size: BankSize, seed: int, *, processes: int = 1, said: Callable[[], object] | None = None
) -> SpeechBank:
    """The same texts and voices for any number of processes; `said` is called after each utterance
    where one process is enough.

    Not the same samples: espeak-ng remembers a little from one utterance to the next.

    :raises SynthesisError: when a synthesiser is missing.
    """
    if processes == 1:
        return SpeechBank(list(chain(*_speak_all(size, seed, 0, 1, said))))
    with forked_pool(processes) as pool:
        jobs = [pool.submit(_speak_all, size, seed, n, processes) for n in range(processes)]
        shares = [job.result() for job in jobs]
    in_order = chain(*zip_longest(*shares, fillvalue=[]))
    return SpeechBank(list(chain.from_iterable(in_order)))


def _digest(size: BankSize) -> str:
    """Of what is spoken: every wording, every reply and a sample of the talk."""
    rng = random.Random(0)
    talk = [(near_miss(rng), unrelated(rng), isolated(rng)) for _ in range(_SAMPLE)]
    said = [astuple(size), *map(astuple, _portions(size)), *talk]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:12]


def open_bank(
    folder: Path,
    size: BankSize,
    seed: int,
    *,
    processes: int = 1,
    said: Callable[[], object] | None = None,
) -> SpeechBank:
    """The bank of this size, seed and language, made first if it is not there."""
    path = folder / f"speech-{seed}-{_digest(size)}.npz"
    if path.is_file():
        return SpeechBank.load(path)
    bank = make_bank(size, seed, processes=processes, said=said)
    bank.save(path)
    return bank

"""What a domain's streams are made from, for learning or for the examination."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interject.training.domain.domain_file import NANO
from interject.training.domain.domain_scene import IGNORED, NEAR, DomainStock
from interject.training.domain.phrases import near_phrase, spoken
from interject.training.domain.recordings import RecordingSet, UnusableRecordings, read_recordings
from interject.training.nano.speech_bank import BankSize, SpeechBank, open_bank
from interject.training.nano.stock import make_stock
from interject.training.nano.stock_shares import StockShares
from interject.training.speech.espeak import Espeak

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from interject.training.domain.domain_file import DomainFile
    from interject.training.domain.recordings import OwnRecording
    from interject.training.speech.utterance import Utterance

_NEAR_SHARE = 1.0


@dataclass(frozen=True, slots=True)
class GeneralShare:
    """How much is made of what nano was taught with, so that it keeps what it knows."""

    speech: BankSize
    sounds_a_class: int
    rooms: int


GENERAL = GeneralShare(
    BankSize(10, 2, 1_200, 100, 120, 800, 120, own_a_reply=3, isolated=800), 40, 60
)
SMALL = GeneralShare(BankSize(1, 0, 14, 2, 0, 6, 0, own_a_reply=1, isolated=8), 2, 4)


@dataclass(frozen=True, slots=True)
class DomainMaterial:
    """A domain's file with its recordings read. `cache` keeps what is spoken once; `base` is
    what `load_checkpoint` takes.
    """

    domain: DomainFile
    base: str
    reactions: dict[str, RecordingSet]
    ignored: RecordingSet
    cache: Path
    general: GeneralShare = GENERAL

    @property
    def keeps_nano(self) -> bool:
        return self.base == NANO

    def fingerprint(self) -> dict[str, Any]:
        """All that decides what the streams are."""
        size = self.domain.size
        return {
            "domain": self.domain.model_dump(mode="json", exclude={"name", "size"}),
            "chunks": size.chunks,
            "voices_a_phrase": size.voices_a_phrase,
            "recordings": {
                name: [r.source.sha256 for r in recordings.learnt]
                for name, recordings in [*self.reactions.items(), (IGNORED, self.ignored)]
            },
        }

    def digest(self) -> str:
        size = self.domain.size
        about = [self.fingerprint(), size.seed, size.streams]
        return hashlib.sha256(json.dumps(about).encode()).hexdigest()[:12]

    def speak(
        self, *, held_out: bool = False, told: Callable[[str], object] = lambda _: None
    ) -> tuple[SpeechBank, SpeechBank | None]:
        """What nano knows already, and the domain's phrases: once, then they are in the cache.

        :raises SynthesisError: when a synthesiser is missing.
        """
        seed = self._seed(held_out)
        told("speaking what nano knows already")
        general = open_bank(self.cache, self.general.speech, seed)
        told("speaking the domain's phrases")
        return general, self._bank(seed)

    def stock(
        self, *, held_out: bool, told: Callable[[str], object] = lambda _: None
    ) -> DomainStock:
        """The held-out one has other recordings, other voices' seeds, other talk and other sounds.

        :raises SynthesisError: when a synthesiser is missing.
        """
        general, phrases = self.speak(held_out=held_out, told=told)
        return DomainStock(
            self.domain.react,
            {name: _of(recordings, held_out) for name, recordings in self.reactions.items()},
            _of(self.ignored, held_out),
            phrases,
            make_stock(
                general,
                self._seed(held_out),
                sounds_a_class=self.general.sounds_a_class,
                rooms=self.general.rooms,
                held_out=held_out,
                shares=StockShares(near_miss=0.45, own=0.2, echo=0.2),
            ),
            frozenset(self.domain.forget),
        )

    def _seed(self, held_out: bool) -> int:
        return self.domain.size.seed + (1_000_003 if held_out else 0)

    def _bank(self, seed: int) -> SpeechBank | None:
        wordings = {r.name: tuple(r.phrases) for r in self.domain.react if r.phrases}
        ignored, count = self.domain.ignore.phrases, self.domain.size.voices_a_phrase
        if not wordings and not ignored:
            return None
        about = json.dumps([wordings, ignored, count, seed]).encode()
        path = self.cache / f"phrases-{hashlib.sha256(about).hexdigest()[:12]}.npz"
        if not path.is_file():
            SpeechBank(list(_spoken(wordings, ignored, count, seed))).save(path)
        return SpeechBank.load(path)


def read_material(
    domain: DomainFile, folder: Path, cache: Path, general: GeneralShare = GENERAL
) -> DomainMaterial:
    """:raises UnusableRecordings: when a folder or a file of it cannot be used."""
    share = domain.size.held_out_share
    reactions = {
        reaction.name: read_recordings(folder / reaction.recordings, share)
        for reaction in domain.react
        if reaction.recordings is not None
    }
    ignored = RecordingSet((), ())
    if domain.ignore.recordings is not None:
        ignored = read_recordings(folder / domain.ignore.recordings, share, fewest=0)
    _check_apart(reactions, ignored)
    base = NANO if domain.base == NANO else str(folder / domain.base)
    return DomainMaterial(domain, base, reactions, ignored, cache, general)


def _check_apart(reactions: dict[str, RecordingSet], ignored: RecordingSet) -> None:
    """The same recording cannot mean two things."""
    known: dict[str, str] = {}
    for name, recordings in [*reactions.items(), (IGNORED, ignored)]:
        for recording in (*recordings.learnt, *recordings.held_out):
            other = known.setdefault(recording.source.sha256, name)
            if other != name:
                raise UnusableRecordings(
                    f"{recording.name} is among the recordings of {other!r} and of {name!r}; "
                    "remove it from one of them"
                )


def _of(recordings: RecordingSet, held_out: bool) -> tuple[OwnRecording, ...]:
    return recordings.held_out if held_out else recordings.learnt


def _spoken(
    wordings: dict[str, tuple[str, ...]], ignored: tuple[str, ...], count: int, seed: int
) -> Iterator[tuple[str, Utterance]]:
    espeak, rng = Espeak(), random.Random(seed)
    for name, phrases in wordings.items():
        for phrase in phrases:
            for utterance in spoken(phrase, count, espeak, rng):
                yield name, utterance
        for _ in range(round(count * len(phrases) * _NEAR_SHARE)):
            for utterance in spoken(near_phrase(phrases, rng), 1, espeak, rng):
                yield NEAR + name, utterance
    for phrase in ignored:
        for utterance in spoken(phrase, count, espeak, rng):
            yield IGNORED, utterance

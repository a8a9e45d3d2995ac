"""What a domain's streams are made from, for learning or for the examination."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interject.training.domain.domain_file import NANO
from interject.training.domain.domain_scene import IGNORED, NEAR, DomainStock
from interject.training.domain.phrases import PhraseSpeakers, near_phrase
from interject.training.domain.recordings import RecordingSet, UnusableRecordings, read_recordings
from interject.training.nano.recipe import TRAINING_SHARES
from interject.training.nano.recorded_stock import read_recorded
from interject.training.nano.speech_bank import BankSize, SpeechBank, open_bank
from interject.training.nano.stock import make_stock
from interject.training.nano.stock_shares import StockShares
from interject.training.recordings.collection import BadCollection, RecordingCollection
from interject.training.recordings.recording import RecordingUse
from interject.training.speech.espeak import Espeak

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from interject.training.domain.domain_file import DomainFile
    from interject.training.domain.recordings import OwnRecording
    from interject.training.domain.work_watch import WorkWatch
    from interject.training.nano.natural_voices import KokoroReader
    from interject.training.nano.recorded_stock import RecordedStock
    from interject.training.speech.utterance import Utterance

EXAMINED_SHARES = StockShares(line=TRAINING_SHARES.line)
"""As nano's own tests: a quarter of the talk is nearly a request, in training it is nearly half."""
_NEAR_SHARE = 1.0
_RECIPE = 2
"""Of the streams: work of another one is not gone on with."""


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
    what `load_checkpoint` takes; `voices` and `collection` are folders, where the file names them.
    """

    domain: DomainFile
    base: str
    reactions: dict[str, RecordingSet]
    ignored: RecordingSet
    cache: Path
    general: GeneralShare = GENERAL
    voices: Path | None = None
    collection: RecordingCollection | None = None

    @property
    def keeps_nano(self) -> bool:
        return self.base == NANO

    def fingerprint(self) -> dict[str, Any]:
        """All that decides what the streams are."""
        size = self.domain.size
        return {
            "recipe": _RECIPE,
            "domain": self.domain.model_dump(mode="json", exclude={"name", "size"}),
            "collection": self.collection and len(self.collection.recordings),
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
        self, *, held_out: bool = False, watch: WorkWatch | None = None
    ) -> tuple[SpeechBank, SpeechBank | None]:
        """What nano knows already, and the domain's phrases: once, then they are in the cache.

        :raises SynthesisError: when a synthesiser is missing.
        :raises WorkStopped: when it was to stop.
        """
        seed, said = self._seed(held_out), _nothing if watch is None else watch.check
        if watch is not None:
            watch.told.note("speaking what nano knows already, and the domain's phrases")
        general = open_bank(self.cache, self.general.speech, seed, said=said)
        return general, self._bank(seed, said, held_out=held_out)

    def stock(self, *, held_out: bool, watch: WorkWatch | None = None) -> DomainStock:
        """The held-out one has other recordings, other voices' seeds, other talk and other sounds.

        :raises SynthesisError: when a synthesiser is missing.
        :raises WorkStopped: when it was to stop.
        """
        general, phrases = self.speak(held_out=held_out, watch=watch)
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
                shares=EXAMINED_SHARES if held_out else TRAINING_SHARES,
                recorded=self._recorded(held_out),
            ),
            self.domain.forgotten,
        )

    def _seed(self, held_out: bool) -> int:
        return self.domain.size.seed + (1_000_003 if held_out else 0)

    def _recorded(self, held_out: bool) -> RecordedStock | None:
        """:raises UnusableRecordings: when a file of the collection is missing or damaged."""
        if self.collection is None:
            return None
        use = RecordingUse.EVALUATE if held_out else RecordingUse.TRAIN
        try:
            return read_recorded(self.collection, use)
        except BadCollection as error:
            raise UnusableRecordings(str(error)) from None

    def _bank(self, seed: int, said: Callable[[], object], *, held_out: bool) -> SpeechBank | None:
        wordings = {r.name: tuple(r.phrases) for r in self.domain.react if r.phrases}
        ignored, count = self.domain.ignore.phrases, self.domain.size.voices_a_phrase
        if not wordings and not ignored:
            return None
        natural = self.voices is not None
        about = json.dumps([wordings, ignored, count, seed, natural]).encode()
        path = self.cache / f"phrases-{hashlib.sha256(about).hexdigest()[:12]}.npz"
        if not path.is_file():
            speakers = PhraseSpeakers(Espeak(), self._reader(held_out))
            items = []
            for item in _spoken(wordings, ignored, count, speakers, seed):
                items.append(item)
                said()
            SpeechBank(items).save(path)
        return SpeechBank.load(path)

    def _reader(self, held_out: bool) -> KokoroReader | None:
        if self.voices is None:
            return None
        from interject.training.nano.natural_voices import KokoroReader
        from interject.training.speech.kokoro_speakers import KokoroCast
        from interject.training.speech.kokoro_voice import KokoroModel

        model = KokoroModel(self.voices)
        return KokoroReader(model, KokoroCast(model, held_out=held_out))


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
    return DomainMaterial(
        domain,
        base,
        reactions,
        ignored,
        cache,
        general,
        None if domain.voices is None else folder / Path(domain.voices).expanduser(),
        _collection(domain, folder),
    )


def _nothing() -> None:
    """Nobody watches."""


def _collection(domain: DomainFile, folder: Path) -> RecordingCollection | None:
    if domain.ignore.collection is None:
        return None
    try:
        return RecordingCollection.open(folder / Path(domain.ignore.collection).expanduser())
    except BadCollection as error:
        raise UnusableRecordings(str(error)) from None


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
    wordings: dict[str, tuple[str, ...]],
    ignored: tuple[str, ...],
    count: int,
    speakers: PhraseSpeakers,
    seed: int,
) -> Iterator[tuple[str, Utterance]]:
    rng = random.Random(seed)
    for name, phrases in wordings.items():
        for phrase in phrases:
            for utterance in speakers.say(phrase, count, rng):
                yield name, utterance
        for _ in range(round(count * len(phrases) * _NEAR_SHARE)):
            for utterance in speakers.say(near_phrase(phrases, rng), 1, rng):
                yield NEAR + name, utterance
    for phrase in ignored:
        for utterance in speakers.say(phrase, count, rng):
            yield IGNORED, utterance

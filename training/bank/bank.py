"""A bank as training reads it: speech and recordings to learn from, and others to be examined with.

It needs NumPy and safetensors, no decoder and no synthesiser.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError, safe_open

from interject.training.bank.adpcm import AdpcmBlocks, blocks_of, clip_of, decode
from interject.training.bank.bank_index import (
    BadBank,
    BankIndex,
    StoredRecording,
    StoredUtterance,
)
from interject.training.nano.speech_bank import SpeechBank
from interject.training.speech.utterance import Utterance

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from interject.training.speech.utterance import Pcm, Phones

INDEX = "index"
_NATURAL_VOICES = ("kokoro", "piper")


@dataclass(frozen=True, slots=True)
class BankRecording:
    """16 kHz, with where it comes from."""

    about: StoredRecording
    pcm: Pcm = field(repr=False)

    @property
    def drawn_by(self) -> tuple[str, str, Pcm]:
        """What `RecordedStock.of` takes."""
        about = self.about
        return about.kind, about.source if about.kind == "speech" else about.label, self.pcm


@dataclass(frozen=True, slots=True)
class BankPart:
    """Speech in natural voices, speech of simpler synthesisers, recordings; None: there is none."""

    natural: SpeechBank | None
    synthetic: SpeechBank | None
    recordings: tuple[BankRecording, ...]


@dataclass(frozen=True, slots=True)
class Bank:
    """`train` may be learnt from; no weight that is passed on may have seen `held_out`."""

    train: BankPart
    held_out: BankPart

    @classmethod
    def load(cls, path: Path) -> Bank:
        """:raises BadBank: when the file is missing, cut, damaged or no bank."""
        index, tensors = _read(path)
        samples = [u.samples for u in index.utterances] + [r.samples for r in index.recordings]
        try:
            blocks = AdpcmBlocks(tensors["codes"], tensors["first"], tensors["step_index"])
            phones = np.split(
                tensors["phones"], np.cumsum([u.phones for u in index.utterances])[:-1]
            )
            _check(index, blocks, tensors["phones"], samples)
        except KeyError as error:
            raise BadBank(f"{path}: holds no {error.args[0]}; pack it again") from None
        except BadBank as error:
            raise BadBank(f"{path}: {error}") from None
        clips = _clips(blocks, samples)
        speech = [
            (item, _utterance(item, next(clips), own))
            for item, own in zip(index.utterances, phones, strict=False)
        ]
        recordings = tuple(
            BankRecording(item, _levelled(next(clips), item)) for item in index.recordings
        )
        return cls(*(_part(speech, recordings, held_out) for held_out in (False, True)))


def is_natural(voice: str) -> bool:
    """By its name: no espeak-ng, no flite."""
    return voice.startswith(_NATURAL_VOICES)


def read_index(path: Path) -> BankIndex:
    """:raises BadBank: as `Bank.load`."""
    return _read(path)[0]


def _read(path: Path) -> tuple[BankIndex, dict[str, Any]]:
    if not path.is_file():
        raise BadBank(
            f"{path}: no such file; python -m interject.training.bank pack --out {path} makes one"
        )
    try:
        with safe_open(path, "np") as file:
            about = (file.metadata() or {}).get(INDEX)
            if about is None:
                raise BadBank("is no bank")
            names = list(file.keys())
            return BankIndex.from_json(about), {name: file.get_tensor(name) for name in names}
    except BadBank as error:
        raise BadBank(f"{path}: {error}") from None
    except (SafetensorError, OSError) as error:
        raise BadBank(f"{path}: is no bank, or is cut or damaged ({error})") from None


def _check(index: BankIndex, blocks: AdpcmBlocks, phones: Phones, samples: list[int]) -> None:
    """What would else fail where it is used."""
    wanted = sum(blocks_of(count) for count in samples)
    sizes = {len(blocks.codes), len(blocks.first), len(blocks.step_index)}
    if sizes != {wanted} or any(count < 1 for count in samples):
        raise BadBank("its sound is not what its index says; pack it again")
    counts = [item.phones for item in index.utterances]
    if sum(counts) != len(phones) or any(count < 1 for count in counts):
        raise BadBank("its phones are not what its index says; pack it again")


def _clips(blocks: AdpcmBlocks, samples: list[int]) -> Iterator[Pcm]:
    """At full level."""
    decoded = decode(blocks)
    bounds = accumulate((blocks_of(count) for count in samples), initial=0)
    for (start, end), count in zip(pairwise(bounds), samples, strict=True):
        yield decoded[start:end].reshape(-1)[:count]


def _levelled(clip: Pcm, item: StoredUtterance | StoredRecording) -> Pcm:
    return clip_of(clip, item.samples, item.gain)


def _utterance(item: StoredUtterance, clip: Pcm, phones: Phones) -> Utterance:
    return Utterance(item.text, item.voice, _levelled(clip, item), phones, item.words)


def _part(
    speech: list[tuple[StoredUtterance, Utterance]],
    recordings: tuple[BankRecording, ...],
    held_out: bool,
) -> BankPart:
    mine = [(item.key, said) for item, said in speech if item.held_out is held_out]
    natural = [x for x in mine if is_natural(x[1].voice)]
    other = [x for x in mine if not is_natural(x[1].voice)]
    return BankPart(
        SpeechBank(natural) if natural else None,
        SpeechBank(other) if other else None,
        tuple(x for x in recordings if x.about.held_out is held_out),
    )

"""Packing: speech banks and a collection of recordings become one file."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import save_file

from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.bank.adpcm import AdpcmBlocks, encode
from interject.training.bank.bank import INDEX, is_natural
from interject.training.bank.bank_index import BankIndex, StoredRecording, StoredUtterance
from interject.training.bank.selection import PackableClip, Share, select
from interject.training.nano.language import spoken_prompts
from interject.training.streaming_benchmark.words import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from interject.training.nano.speech_bank import SpeechBank
    from interject.training.recordings.collection import RecordingCollection
    from interject.training.recordings.recording import CollectedRecording
    from interject.training.speech.utterance import Pcm, Phones, Utterance

LONGEST_S, LONGEST_HELD_OUT_S = 30.0, 10.0
"""Of a recording: more of one is less of others."""
_HELD_OUT = 0.08
_NATURAL, _RECORDED, _SYNTHETIC = 0.55, 0.3, 0.15
"""Of what is left; what one does not need goes to the first that does."""
_RESERVED_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class BankInputs:
    """Speech to learn from, speech of voices that are only for examinations, recordings of both
    uses.
    """

    speech: Sequence[SpeechBank]
    held_out_speech: Sequence[SpeechBank] = ()
    collection: RecordingCollection | None = None


@dataclass(frozen=True, slots=True)
class Speakable:
    """An utterance that may be packed."""

    key: str
    utterance: Utterance = field(repr=False)
    held_out: bool

    def candidate(self, name: str) -> PackableClip:
        """Natural voices are dear: some of each. Of the others any will do, and few examine."""
        voice = self.utterance.voice
        voice = voice if is_natural(voice) and not self.held_out else ""
        return PackableClip(name, f"{self.key} {voice}", len(self.utterance.pcm))


def pack(inputs: BankInputs, path: Path, limit_bytes: int) -> BankIndex:
    """Write what fits, whole or not at all.

    :raises BadCollection: when a recording's file is missing or damaged.
    """
    said = dict(_speakable(inputs))
    recorded = {} if inputs.collection is None else _recorded(inputs.collection)
    chosen = _chosen(said, recorded, limit_bytes - _RESERVED_BYTES)
    kept = [item for name, item in said.items() if name in chosen]
    heard = [recording for name, recording in recorded.items() if name in chosen]
    lengths: list[int] = []

    def clips() -> Iterator[Pcm]:
        for pcm in chain(
            (item.utterance.pcm for item in kept),
            (_heard(inputs.collection, x) for x in heard if inputs.collection),
        ):
            lengths.append(len(pcm))
            yield pcm

    blocks, gains = encode(clips())
    sizes = list(zip(lengths, gains, strict=True))
    index = BankIndex(
        tuple(map(_stored_utterance, kept, sizes)),
        tuple(map(_stored_recording, heard, sizes[len(kept) :])),
    )
    _write(path, index, blocks, [item.utterance.phones for item in kept])
    return index


def _speakable(inputs: BankInputs) -> Iterator[tuple[str, Speakable]]:
    for held_out, banks in ((False, inputs.speech), (True, inputs.held_out_speech)):
        for number, bank in enumerate(banks):
            for key, members in bank.groups.items():
                for member in members:
                    item = Speakable(key, bank[member], held_out)
                    yield f"{held_out:d} {number} {member}", item


def _recorded(collection: RecordingCollection) -> dict[str, CollectedRecording]:
    """Nobody asks in a recording: one that does would teach to be silent then."""
    requests = spoken_prompts()
    return {
        recording.file: recording
        for recording in collection.recordings
        if " ".join(words(recording.text or "")) not in requests
    }


def _chosen(
    said: Mapping[str, Speakable], recorded: Mapping[str, CollectedRecording], limit_bytes: int
) -> set[str]:
    examined: tuple[list[PackableClip], list[PackableClip]] = ([], [])
    natural: list[PackableClip] = []
    synthetic: list[PackableClip] = []
    heard: list[PackableClip] = []
    for name, item in said.items():
        kind = natural if is_natural(item.utterance.voice) else synthetic
        (examined[0] if item.held_out else kind).append(item.candidate(name))
    for name, recording in recorded.items():
        (heard if recording.use == "train" else examined[1]).append(_candidate(recording, name))
    apart = select([Share(clips, 0.5) for clips in examined], int(_HELD_OUT * limit_bytes))
    shares = [Share(natural, _NATURAL), Share(heard, _RECORDED), Share(synthetic, _SYNTHETIC)]
    left = limit_bytes - int(_HELD_OUT * limit_bytes) * any(examined)
    return set().union(*apart, *select(shares, left))


def _candidate(recording: CollectedRecording, name: str) -> PackableClip:
    named = recording.label if recording.kind == "sound" else recording.source
    samples = min(round(recording.seconds * SAMPLE_RATE_HZ), _most_samples(recording))
    return PackableClip(name, f"{recording.kind} {named}", max(1, samples))


def _most_samples(recording: CollectedRecording) -> int:
    longest_s = LONGEST_S if recording.use == "train" else LONGEST_HELD_OUT_S
    return int(longest_s * SAMPLE_RATE_HZ)


def _heard(collection: RecordingCollection, recording: CollectedRecording) -> Pcm:
    wave = collection.read(recording)[: _most_samples(recording)]
    return np.round(np.clip(wave, -1, 1) * 32_767).astype(np.int16)


def _stored_utterance(item: Speakable, size: tuple[int, float]) -> StoredUtterance:
    said, (samples, gain) = item.utterance, size
    return StoredUtterance(
        item.key, said.text, said.voice, said.word_ends, samples, gain, len(said.phones),
        item.held_out,
    )  # fmt: skip


def _stored_recording(recording: CollectedRecording, size: tuple[int, float]) -> StoredRecording:
    samples, gain = size
    return StoredRecording(
        recording.file, recording.source, recording.licence, recording.credit, recording.kind,
        recording.label, samples, gain, recording.use != "train",
    )  # fmt: skip


def _write(path: Path, index: BankIndex, blocks: AdpcmBlocks, phones: Sequence[Phones]) -> None:
    tensors: dict[str, np.ndarray[Any, Any]] = {
        "codes": blocks.codes,
        "first": blocks.first,
        "step_index": blocks.step_index,
        "phones": np.concatenate([np.zeros(0, np.int8), *phones]),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    save_file(tensors, partial, {INDEX: index.to_json()})
    partial.replace(path)

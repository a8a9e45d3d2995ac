"""A finished data set, to read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.training.dataset.manifest import read_manifest
from interject.training.dataset.problem import BadRecord, BadShard, DatasetError, bad_stream
from interject.training.dataset.shard_reader import ShardReader
from interject.training.dataset.stream_item import as_spans, as_stream_id, as_turns
from interject.training.streams.problem import BadStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from interject.training.dataset.items import PublicItem
    from interject.training.dataset.manifest import Manifest, ShardEntry
    from interject.training.streams.ability import Ability
    from interject.training.streams.span import StreamSpan
    from interject.training.streams.stream import TrainingStream
    from interject.training.streams.turn import StreamTurn

OpenShard = tuple["ShardEntry", ShardReader]


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """A stream without its sound; `shard` is the name of its file."""

    stream_id: str
    ability: Ability
    samples: int
    turns: tuple[StreamTurn, ...]
    spans: tuple[StreamSpan, ...]
    seed: int
    system_prompt: str | None
    skipped: tuple[str, ...]
    shard: str


class Dataset:
    """A folder of shards with its manifest.

    A shard is held against its sha256 when it is first read from; `verified=False` leaves that
    out. Can be pickled, and read from several processes and threads.

    :raises DatasetError: when the folder holds no finished data set.
    """

    def __init__(self, folder: Path, *, verified: bool = True) -> None:
        self.folder = folder
        self.manifest: Manifest = read_manifest(folder)
        self._verified = verified
        self._readers: dict[str, ShardReader] = {}
        self._shard_of: dict[str, str] | None = None

    def __len__(self) -> int:
        """Streams, by the manifest."""
        return self.manifest.total.streams

    def __iter__(self) -> Iterator[TrainingStream]:
        """:raises DatasetError: at the first stream or shard that is damaged."""
        return self.streams(_raise)

    def streams(self, bad: Callable[[DatasetError], None]) -> Iterator[TrainingStream]:
        """Every stream that can be read, in order; what is wrong with the others goes to `bad`."""
        for reader, stream_id in self._places(bad):
            try:
                yield reader.stream(stream_id)
            except BadRecord as exc:
                bad(exc)

    def records(self, bad: Callable[[DatasetError], None] | None = None) -> Iterator[StreamRecord]:
        """Without decoding any sound.

        :raises DatasetError: at the first that is damaged, unless `bad` takes it.
        """
        for reader, stream_id in self._places(bad or _raise):
            try:
                yield _record(reader, stream_id)
            except BadRecord as exc:
                (bad or _raise)(exc)

    def read(self, stream_id: str) -> TrainingStream:
        """:raises DatasetError: when there is none with this id, or it is damaged."""
        return self._reader_of(stream_id).stream(stream_id)

    def flac(self, stream_id: str) -> bytes:
        """:raises DatasetError: when there is none with this id."""
        return self._reader_of(stream_id).flac(stream_id)

    def _places(self, bad: Callable[[DatasetError], None]) -> Iterator[tuple[ShardReader, str]]:
        for entry in self.manifest.shards:
            try:
                reader = self._reader(entry)
            except BadShard as exc:
                bad(exc)
                continue
            for stream_id in reader.places:
                yield reader, stream_id

    def _reader(self, entry: ShardEntry) -> ShardReader:
        if entry.name not in self._readers:
            self._readers[entry.name] = ShardReader(self.folder, entry, verified=self._verified)
        return self._readers[entry.name]

    def _reader_of(self, stream_id: str) -> ShardReader:
        damaged: list[DatasetError] = []
        if self._shard_of is None:
            self._shard_of = {found: reader.name for reader, found in self._places(damaged.append)}
        name = self._shard_of.get(stream_id)
        if name is None:
            lost = "".join(f"; {problem}" for problem in damaged)
            raise DatasetError(f"{self.folder}: holds no stream {stream_id[:90]!r}{lost}")
        return self._readers[name]


def _record(reader: ShardReader, stream_id: str) -> StreamRecord:
    item: PublicItem = reader.item(stream_id)
    place = f"{reader.name}, {stream_id}"
    if item.ability is None or item.samples is None:
        raise BadRecord(place, "samples", "has no 'ability' or no 'samples'")
    try:
        turns, spans = as_turns(item), as_spans(item)
    except BadStream as exc:
        raise bad_stream(place, exc) from None
    return StreamRecord(
        stream_id=as_stream_id(item.id),
        ability=item.ability,
        samples=item.samples,
        turns=turns,
        spans=spans,
        seed=item.seed,
        system_prompt=item.system_prompt,
        skipped=item.skipped,
        shard=reader.name,
    )


def _raise(problem: DatasetError) -> None:
    raise problem

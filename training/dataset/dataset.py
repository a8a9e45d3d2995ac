"""A finished data set, to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.training.dataset.manifest import read_manifest
from interject.training.dataset.problem import BadRecord, BadShard, DatasetError
from interject.training.dataset.shard_reader import ShardReader
from interject.training.dataset.stream_record import StreamRecord, record_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from interject.training.dataset.manifest import Manifest, ShardEntry
    from interject.training.streams.stream import TrainingStream


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
                yield record_of(reader.item(stream_id), f"{reader.name}, {stream_id}")
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


def _raise(problem: DatasetError) -> None:
    raise problem

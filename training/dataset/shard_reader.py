"""Reads one shard: where its streams lie, and each of them."""

from __future__ import annotations

import hashlib
import os
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from interject.agent.sound_file import BadSound, read_sound
from interject.training.dataset.items import PublicItem
from interject.training.dataset.problem import BadRecord, BadShard, bad_model
from interject.training.dataset.stream_item import as_stream_id, from_shard

if TYPE_CHECKING:
    from pathlib import Path

    from interject.training.dataset.manifest import ShardEntry
    from interject.training.streams.stream import TrainingStream

SOUND, RECORD = "flac", "json"
HASHED_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class TarPlace:
    """Where a file lies in a tar."""

    at: int
    size: int


@dataclass(frozen=True, slots=True)
class StreamPlaces:
    sound: TarPlace
    record: TarPlace


class ShardReader:
    """Opened once, and only for as long as something is read: a set has thousands.

    :raises BadShard: when it is not the file that the manifest tells of.
    """

    def __init__(self, folder: Path, entry: ShardEntry, *, verified: bool) -> None:
        self._path = folder / entry.name
        self.name = entry.name
        try:
            if verified:
                self._verify(entry)
            self.places = self._found()
        except FileNotFoundError:
            raise BadShard(entry.name, "is missing") from None
        except (tarfile.TarError, EOFError) as exc:
            raise BadShard(entry.name, f"is damaged ({exc})") from None
        except OSError as exc:
            raise BadShard(entry.name, f"cannot be read ({(exc.strerror or '').lower()})") from exc
        if len(self.places) != entry.tally.streams:
            raise BadShard(
                entry.name,
                f"holds {len(self.places)} streams, {entry.tally.streams} by the manifest",
            )

    def item(self, stream_id: str) -> PublicItem:
        """:raises BadRecord: when it is none."""
        place = f"{self.name}, {stream_id}"
        try:
            item = PublicItem.model_validate_json(self._read(self.places[stream_id].record))
        except ValidationError as exc:
            raise bad_model(place, exc, PublicItem) from None
        if as_stream_id(item.id) != stream_id:
            raise BadRecord(place, "id", f"'id' is {str(item.id)[:80]!r}")
        return item

    def flac(self, stream_id: str) -> bytes:
        return self._read(self.places[stream_id].sound)

    def stream(self, stream_id: str) -> TrainingStream:
        """:raises BadRecord: when its item or its sound is damaged, or they contradict."""
        item = self.item(stream_id)
        place = f"{self.name}, {stream_id}"
        try:
            sound = read_sound(self.flac(stream_id))
        except BadSound as exc:
            raise BadRecord(place, SOUND, f"its sound {exc}") from None
        return from_shard(item, sound, place)

    def _verify(self, entry: ShardEntry) -> None:
        size = self._path.stat().st_size
        if size != entry.bytes:
            raise BadShard(entry.name, f"has {size} bytes, {entry.bytes} by the manifest")
        digest = hashlib.sha256()
        with self._path.open("rb") as file:
            while data := file.read(HASHED_BYTES):
                digest.update(data)
        if digest.hexdigest() != entry.sha256:
            raise BadShard(entry.name, "is damaged: its sha256 is not that of the manifest")

    def _found(self) -> dict[str, StreamPlaces]:
        halves: dict[str, dict[str, TarPlace]] = {}
        with tarfile.open(self._path, "r:") as tar:
            for member in tar:
                stream_id, _, kind = member.name.partition(".")
                if not member.isfile() or kind not in (SOUND, RECORD):
                    raise BadShard(self.name, f"holds {member.name[:80]!r}, which is no stream's")
                halves.setdefault(stream_id, {})[kind] = TarPlace(member.offset_data, member.size)
        for stream_id, half in halves.items():
            if len(half) != 2:
                raise BadShard(self.name, f"holds only half of stream {stream_id[:80]}")
        return {
            stream_id: StreamPlaces(half[SOUND], half[RECORD]) for stream_id, half in halves.items()
        }

    def _read(self, place: TarPlace) -> bytes:
        """Processes and threads may share a reader: it keeps no open file."""
        descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.pread(descriptor, place.size, place.at)
        finally:
            os.close(descriptor)

"""Builds a data set: shard after shard, by several processes, whenever it is stopped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject import __version__
from interject.training.dataset.build_watch import UNWATCHED, BuildWatch
from interject.training.dataset.durable_files import whole_file
from interject.training.dataset.journal import Journal, locked
from interject.training.dataset.manifest import (
    MANIFEST_NAME,
    Manifest,
    shard_name,
)
from interject.training.dataset.problem import DatasetError
from interject.training.dataset.shard_writer import ShardWriter
from interject.training.dataset.stream_maker import made_in_order
from interject.training.dataset.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from interject.training.dataset.manifest import BuildSettings, ShardEntry
    from interject.training.dataset.stream_maker import MadeStream
    from interject.training.streams.stream_source import StreamSource


@dataclass(frozen=True, slots=True)
class BuildOutcome:
    """`manifest` is there when all is done. `kept` streams are in finished shards."""

    kept: int
    manifest: Manifest | None = None


def build(
    source: StreamSource,
    settings: BuildSettings,
    folder: Path,
    *,
    workers: int = 1,
    watch: BuildWatch = UNWATCHED,
) -> BuildOutcome:
    """The same settings make the same files, byte by byte, however many `workers` there are and
    however often it was stopped. What a stopped one had in finished shards is not made again.

    :raises DatasetError: when the folder holds something else, or a stream cannot be made.
    :raises OSError: when a file cannot be written; finished shards stay.
    """
    with locked(folder):
        journal = Journal(folder, settings)
        watch.advanced(_kept(journal))
        watch.kept(_kept(journal))
        missing = [n for n in range(settings.shards) if shard_name(n) not in journal.finished]
        if missing:
            (folder / MANIFEST_NAME).unlink(missing_ok=True)
        numbers = (number for shard in missing for number in settings.numbers(shard))
        made = made_in_order(source, numbers, settings.seed, workers=workers, watch=watch)
        try:
            for shard in missing:
                entry = _shard(
                    folder / shard_name(shard), len(settings.numbers(shard)), made, watch
                )
                if entry is None:
                    return BuildOutcome(_kept(journal))
                journal.note(entry)
                watch.kept(_kept(journal))
        finally:
            made.close()
        manifest = _manifest(settings, journal)
        with whole_file(folder / MANIFEST_NAME) as file:
            file.write(manifest.model_dump_json(indent=1) + "\n")
        journal.remove()
        return BuildOutcome(_kept(journal), manifest)


def _shard(
    path: Path, count: int, made: Iterator[MadeStream], watch: BuildWatch
) -> ShardEntry | None:
    """None when it was stopped."""
    seen: set[str] = set()
    with ShardWriter(path) as writer:
        for _ in range(count):
            if watch.is_stopped():
                return None
            stream = next(made, None)
            if stream is None:
                return None
            if stream.stream_id and stream.stream_id in seen:
                raise DatasetError(
                    f"stream {stream.number}: has the id of another one of its shard"
                )
            seen.add(stream.stream_id)
            writer.write(stream)
            watch.advanced(1)
        return writer.finish()


def _kept(journal: Journal) -> int:
    return sum(entry.numbers for entry in journal.finished.values())


def _manifest(settings: BuildSettings, journal: Journal) -> Manifest:
    shards = tuple(journal.finished[name] for name in sorted(journal.finished))
    total = Tally.sum(entry.tally for entry in shards)
    return Manifest(
        interject=__version__,
        build=settings,
        hours=round(total.hours, 4),
        total=total,
        shards=shards,
    )

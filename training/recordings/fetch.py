"""Makes a collection of the catalogue's sources, one after the other; goes on where it stopped."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from interject.agent.sound_file import FULL_SCALE, BadSound, as_flac, read_sound
from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.recordings.archives import BrokenArchive, unpack_archive
from interject.training.recordings.collection import (
    INDEX,
    RecordingCollection,
    write_index,
)
from interject.training.recordings.debian_copyright import CopyrightFile
from interject.training.recordings.recording import CollectedRecording, RecordingKind
from interject.training.recordings.registry import UnobtainablePackage, unpack_package
from interject.training.recordings.source import use_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from interject.training.recordings.source import RecordingRule, RecordingSource
    from interject.training.sounds.waves import Wave

SHORTEST_S, BACKGROUND_S = 0.1, 5.0
QUIETEST = 0.002
"""What never gets louder is an empty file."""
_SOUND_FILES = {".wav", ".ogg", ".oga", ".mp3", ".flac", ".g722", ".gsm", ".raw"}
_NAMED_FORMATS = {".g722": "g722", ".gsm": "gsm"}


@dataclass(frozen=True, slots=True)
class FetchedSource:
    """What became of a source. `problems` are lines for the person who fetches."""

    recordings: tuple[CollectedRecording, ...]
    unlabelled: int
    problems: tuple[str, ...]


@dataclass(slots=True)
class CollectionFetch:
    """A source is in the index whole or not at all, so a fetch that was stopped goes on with the
    next one.
    """

    folder: Path
    tell: Callable[[str], None]
    failed: list[str] = field(default_factory=list)

    def fetch(self, sources: list[RecordingSource], *, again: bool = False) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for number, source in enumerate(sources, start=1):
            known = self._known()
            where = f"{source.name} ({number} of {len(sources)})"
            if not again and any(r.source == source.name for r in known):
                self.tell(f"{where}: is there")
                continue
            self.tell(f"{where}: fetching {source.package}")
            self._one(source, known)

    def _known(self) -> list[CollectedRecording]:
        if not (self.folder / INDEX).exists():
            return []
        return list(RecordingCollection.open(self.folder).recordings)

    def _one(self, source: RecordingSource, known: list[CollectedRecording]) -> None:
        others = [recording for recording in known if recording.source != source.name]
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=self.folder) as scratch:
            try:
                unpacked = unpack_package(source, Path(scratch))
                if others != known:
                    write_index(self.folder, others)
                fetched = collect(source, unpacked, self.folder)
            except UnobtainablePackage as error:
                self.failed.append(source.name)
                self.tell(f"{source.name}: cannot be had, left out: {error}")
                return
        write_index(self.folder, [*others, *fetched.recordings])
        for problem in fetched.problems:
            self.tell(f"{source.name}: {problem}")
        minutes = sum(recording.seconds for recording in fetched.recordings) / 60
        self.tell(
            f"{source.name}: {len(fetched.recordings)} recordings, {minutes:.1f} min; "
            f"{fetched.unlabelled} files without a label left out"
        )


def collect(source: RecordingSource, unpacked: Path, folder: Path) -> FetchedSource:
    """Writes a source's recordings into a collection, in place of those that are there. The index
    is the caller's. What sounds the same is kept once.
    """
    problems = list(_unpack_archives(source, unpacked))
    shutil.rmtree(folder / source.name, ignore_errors=True)
    notices = _copyright(source, unpacked, problems)
    found: list[CollectedRecording] = []
    matched: Counter[int] = Counter()
    heard: set[bytes] = set()
    unlabelled = 0
    for path in sorted(p for p in unpacked.rglob("*") if p.suffix.lower() in _SOUND_FILES):
        name = path.relative_to(unpacked).as_posix()
        rule = source.rule(name)
        if rule is None or not path.is_file():
            unlabelled += 1
            continue
        matched[source.recordings.index(rule)] += 1
        try:
            wave = _read(path, whole=rule.whole)[: int(rule.most_s * SAMPLE_RATE_HZ)]
        except BadSound as error:
            problems.append(f"{name} {error}; left out")
            continue
        if len(wave) < SHORTEST_S * SAMPLE_RATE_HZ or float(np.abs(wave).max()) < QUIETEST:
            problems.append(f"{name} is shorter than {SHORTEST_S} s or silent; left out")
            continue
        digest = hashlib.sha256(wave.tobytes()).digest()
        if digest in heard:
            continue
        heard.add(digest)
        file = f"{source.name}/{PurePosixPath(name).with_suffix('.flac')}"
        target = folder / file
        if target.exists():
            file = f"{source.name}/{name}.flac"
            target = folder / file
        recording = _described(source, rule, name, notices, file, len(wave) / SAMPLE_RATE_HZ)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(as_flac(wave))
        found.append(recording)
    problems += _without_files(source, matched)
    return FetchedSource(tuple(found), unlabelled, tuple(problems))


def _unpack_archives(source: RecordingSource, unpacked: Path) -> Iterator[str]:
    for archive in source.archives:
        paths = sorted(unpacked.glob(archive.path))
        if not paths:
            yield f"holds no {archive.path}; the package has changed"
        for path in paths:
            try:
                unpack_archive(path, archive.format, unpacked / "unpacked")
            except BrokenArchive as error:
                yield f"{path.name} {error}; left out"


def _copyright(
    source: RecordingSource, unpacked: Path, problems: list[str]
) -> CopyrightFile | None:
    if source.copyright is None:
        return None
    try:
        return CopyrightFile.read(unpacked / source.copyright.path)
    except OSError:
        problems.append(f"holds no {source.copyright.path}; all of it is {source.licence}")
        return None


def _read(path: Path, *, whole: bool) -> Wave:
    data = path.read_bytes()
    if path.suffix == ".raw":
        return (np.frombuffer(data, "<i2") / FULL_SCALE).astype(np.float32)
    return read_sound(data, _NAMED_FORMATS.get(path.suffix), whole=whole)


def _described(
    source: RecordingSource,
    rule: RecordingRule,
    name: str,
    notices: CopyrightFile | None,
    file: str,
    seconds: float,
) -> CollectedRecording:
    licence, credit = source.licence, source.credit
    if notices is not None and source.copyright is not None:
        own = notices.of(source.copyright.source_name(name))
        if own is not None:
            licence, credit = own.licence, own.holders or credit
    kind = rule.kind
    if kind is RecordingKind.BACKGROUND and seconds < BACKGROUND_S:
        kind = RecordingKind.SOUND
    return CollectedRecording(
        file=file,
        source=source.name,
        licence=licence,
        credit=credit,
        use=use_of(name, rule.use or source.use, licence),
        kind=kind,
        label=rule.label,
        seconds=round(seconds, 3),
        text=rule.text,
        speaker=source.speaker(name),
    )


def _without_files(source: RecordingSource, matched: Counter[int]) -> Iterator[str]:
    for number, rule in enumerate(source.recordings):
        if not matched[number]:
            yield f"no file matches {rule.files[0]} ({rule.label}); the package has changed"

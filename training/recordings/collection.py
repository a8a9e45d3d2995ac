"""A folder of recordings with an index, one line each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import ValidationError

from interject.agent.sound_file import BadSound, read_sound_file
from interject.training.dataset.durable_files import whole_file
from interject.training.recordings.recording import CollectedRecording

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from interject.training.recordings.recording import RecordingKind, RecordingUse
    from interject.training.sounds.waves import Wave

INDEX = "index.jsonl"


class BadCollection(ValueError):
    """One line: which file, and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class RecordingCollection:
    folder: Path
    recordings: tuple[CollectedRecording, ...] = field(repr=False)

    @classmethod
    def open(cls, folder: Path) -> RecordingCollection:
        """Reads the index and no sound.

        :raises BadCollection: when it is missing, empty or broken, or names a file twice.
        """
        path = folder / INDEX
        found: dict[str, CollectedRecording] = {}
        for number, line in enumerate(_lines(path), start=1):
            if not line.strip():
                continue
            recording = _parsed(line, f"{path}, line {number}")
            if recording.file in found:
                raise BadCollection(f"{path}, line {number}: {recording.file} is named above")
            found[recording.file] = recording
        if not found:
            raise BadCollection(f"{path}: holds no recording")
        return cls(folder, tuple(found.values()))

    def select(
        self,
        *,
        use: RecordingUse | None = None,
        kind: RecordingKind | None = None,
        label: str | None = None,
    ) -> list[CollectedRecording]:
        return [
            recording
            for recording in self.recordings
            if use in (None, recording.use)
            and kind in (None, recording.kind)
            and label in (None, recording.label)
        ]

    def read(self, recording: CollectedRecording) -> Wave:
        """16 kHz mono, from -1 to 1.

        :raises BadCollection: when its file is missing or damaged.
        """
        path = self.folder / recording.file
        try:
            return read_sound_file(path)
        except BadSound as error:
            raise BadCollection(f"{path}: {error}; fetch {recording.source} again") from None


def write_index(folder: Path, recordings: Iterable[CollectedRecording]) -> None:
    """The whole index or the old one, whenever it stops."""
    with whole_file(folder / INDEX) as file:
        for recording in recordings:
            file.write(recording.model_dump_json() + "\n")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_bytes().decode().split("\n")
    except FileNotFoundError:
        raise BadCollection(
            f"{path}: no such file; python -m interject.training.recordings fetch makes it"
        ) from None
    except UnicodeDecodeError as error:
        raise BadCollection(f"{path}: not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise BadCollection(f"{path}: cannot be read ({(error.strerror or '').lower()})") from None


def _parsed(line: str, where: str) -> CollectedRecording:
    try:
        return CollectedRecording.model_validate_json(line)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in problem["loc"])
        raise BadCollection(f"{where}{place and f', field {place}'}: {problem['msg']}") from None

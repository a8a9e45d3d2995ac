"""A folder of recordings with what is known of each."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any

import av
import av.error
from pydantic import BeforeValidator, Field, ValidationError, field_validator

from interject.agent.sound_file import OPTIONS, read_sound_file
from interject.config.strict import StrictModel
from interject.model_runtime.protocol import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interject.training.sounds.waves import Rng

JSON_LINES, TABLE = "annotations.jsonl", "annotations.csv"
SOUNDS_OF_COMPOSER = "sounds.jsonl"
ENDINGS = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aif", ".aiff")
UNKNOWN_LICENCE = "not stated"
MOST_BYTES = 200_000_000
_SEPARATOR = re.compile(r"[;|]|,")


class SoundCatalogueError(ValueError):
    """A folder of annotated sounds cannot be used; the message names file, line and field."""


def _listed(value: Any) -> Any:
    """A table holds tags as `dog; bark`."""
    return (
        [tag for tag in _SEPARATOR.split(value) if tag.strip()] if isinstance(value, str) else value
    )


def _one_line(text: str) -> str:
    kept = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(kept.split())


class AnnotatedSound(StrictModel):
    """`file` is inside the folder. Tags and caption are what it is found by."""

    file: Annotated[str, Field(min_length=1, max_length=1_000)]
    tags: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=80)], ...],
                    BeforeValidator(_listed), Field(max_length=60, strict=False)] = ()  # fmt: skip
    caption: Annotated[str, Field(max_length=2_000)] = ""
    licence: Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]

    @field_validator("file")
    @classmethod
    def _inside(cls, value: str) -> str:
        path = PurePosixPath(value)
        if path.is_absolute() or ".." in path.parts:
            raise ValueError("must lie inside the folder")
        return value

    @field_validator("file", "licence")
    @classmethod
    def _printable(cls, value: str) -> str:
        if not value.isprintable():
            raise ValueError("holds what cannot be printed")
        return value

    @field_validator("tags")
    @classmethod
    def _tidy(cls, tags: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(
            tag for tag in (_one_line(tag.replace("_", " ").lower()) for tag in tags) if tag
        )

    @field_validator("caption")
    @classmethod
    def _on_one_line(cls, caption: str) -> str:
        return _one_line(caption)

    @property
    def name(self) -> str:
        """The shortest thing to call it."""
        return self.tags[0] if self.tags else (self.caption or PurePosixPath(self.file).stem)[:80]


@dataclass(frozen=True, slots=True)
class SoundCatalogue:
    """In the order of its file, or by name: a seed has to find the same ones again."""

    folder: Path
    sounds: tuple[AnnotatedSound, ...]

    def bag(self, count: int, rng: Rng) -> list[AnnotatedSound]:
        """Some at random, none twice."""
        chosen = rng.permutation(len(self.sounds))[:count]
        return [self.sounds[int(index)] for index in chosen]

    def path(self, sound: AnnotatedSound) -> Path:
        return self.folder / sound.file

    def length_s(self, sound: AnnotatedSound) -> float | None:
        """As the file's header says, which may be wrong; all is read where it says nothing."""
        path = self.path(sound)
        try:
            with (
                path.open("rb") as data,
                av.open(data, "r", options=OPTIONS, metadata_errors="replace") as file,
            ):
                if file.duration and file.duration > 0:
                    return float(file.duration) / av.time_base
            return len(read_sound_file(path)) / SAMPLE_RATE_HZ
        except (av.error.FFmpegError, OSError, ValueError):
            return None


def open_catalogue(folder: Path) -> SoundCatalogue:
    """Annotations in `annotations.jsonl` or `.csv`, or in the composer's `sounds.jsonl`; else the
    names of subfolders are tags.

    :raises SoundCatalogueError: when there is nothing, or a line cannot be used.
    """
    if not folder.is_dir():
        raise SoundCatalogueError(f"{folder}: no such folder")
    readers = ((JSON_LINES, _json_lines), (SOUNDS_OF_COMPOSER, _composer_lines), (TABLE, _table))
    for name, reader in readers:
        if (folder / name).is_file():
            sounds = _checked(folder, folder / name, reader(_text(folder / name)))
            break
    else:
        sounds = _by_subfolder(folder)
    if not sounds:
        raise SoundCatalogueError(
            f"{folder}: holds no sounds; give a file {JSON_LINES} or {TABLE} with file, tags, "
            "caption and licence, or subfolders named after what is in them"
        )
    return SoundCatalogue(folder, tuple(sounds))


def _checked(
    folder: Path, path: Path, rows: Iterator[tuple[int, dict[str, Any] | str]]
) -> list[AnnotatedSound]:
    sounds, seen = list[AnnotatedSound](), set[str]()
    for number, row in rows:
        where = f"{path}, line {number}"
        if isinstance(row, str):
            raise SoundCatalogueError(f"{where}: {row}")
        try:
            sound = AnnotatedSound.model_validate(row)
        except ValidationError as error:
            fault = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, fault["loc"]))
            raise SoundCatalogueError(f"{where}, field {place}: {fault['msg']}") from None
        if sound.file in seen:
            raise SoundCatalogueError(f"{where}: {sound.file} stands there twice")
        if not (folder / sound.file).is_file():
            raise SoundCatalogueError(f"{where}: there is no file {folder / sound.file}")
        seen.add(sound.file)
        sounds.append(sound)
    return sounds


def _json_lines(text: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            line.encode()
            json.dumps(row, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            yield number, "is no JSON object"
            continue
        yield number, row if isinstance(row, dict) else "is no JSON object"


def _composer_lines(text: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    for number, row in _json_lines(text):
        if isinstance(row, str):
            yield number, row
            continue
        label, name = row.get("label", ""), row.get("name", "")
        yield number, {
            "file": row.get("path", ""), "tags": [label], "caption": name,
            "licence": row.get("licence", ""),
        }  # fmt: skip


def _table(text: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            if None in row or None in row.values():
                yield reader.line_num, "has not as many fields as the first line"
                continue
            yield reader.line_num, dict(row)
    except csv.Error as error:
        yield reader.line_num, f"is no CSV ({error})"


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise SoundCatalogueError(f"{path}: is larger than {MOST_BYTES // 1_000_000} MB")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SoundCatalogueError(f"{path}: not UTF-8 text (byte {error.start})") from None


def _by_subfolder(folder: Path) -> list[AnnotatedSound]:
    """`dog/bark/1.wav` has the tags bark and dog. Nothing is known of licences."""
    sounds = []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.suffix.lower() not in ENDINGS or len(relative.parts) < 2 or not path.is_file():
            continue
        name = relative.as_posix()
        if not name.isprintable():
            shown = "".join(letter if letter.isprintable() else "?" for letter in name)
            raise SoundCatalogueError(f"{folder}/{shown}: its name holds what cannot be printed")
        tags = tuple(part[:80] for part in relative.parts[-2::-1])
        sounds.append(AnnotatedSound(file=name, tags=tags, licence=UNKNOWN_LICENCE))
    return sounds

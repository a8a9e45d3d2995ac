"""What lies in a bank: JSON in the header of its file, a list for each column."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any, TypeVar

FORMAT, VERSION = "interject-bank", 1
_TYPES = {"str": str, "int": int, "float": (int, float), "bool": bool, "Words": list}
Words = tuple[tuple[str, int], ...]


class BadBank(ValueError):
    """One line: which file, and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class StoredUtterance:
    """`samples` at 16 kHz, to be multiplied by `gain`; `phones` is how many of them it has."""

    key: str
    text: str
    voice: str
    words: Words
    samples: int
    gain: float
    phones: int
    held_out: bool


@dataclass(frozen=True, slots=True)
class StoredRecording:
    """`kind`, `label` and the rest as in the collection that it comes from."""

    file: str
    source: str
    licence: str
    credit: str
    kind: str
    label: str
    samples: int
    gain: float
    held_out: bool


Stored = TypeVar("Stored", StoredUtterance, StoredRecording)


@dataclass(frozen=True, slots=True)
class BankIndex:
    """In the order of their sound."""

    utterances: tuple[StoredUtterance, ...]
    recordings: tuple[StoredRecording, ...]

    def to_json(self) -> str:
        content = {
            "format": FORMAT,
            "version": VERSION,
            "utterances": _columns(StoredUtterance, self.utterances),
            "recordings": _columns(StoredRecording, self.recordings),
        }
        return json.dumps(content, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> BankIndex:
        """:raises BadBank: without the file's name, when it is none that we wrote."""
        try:
            content = json.loads(text)
        except ValueError as error:
            raise BadBank(f"its index is no JSON ({error})") from None
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise BadBank("is no bank")
        if content.get("version") != VERSION:
            raise BadBank(
                f"is a bank of version {content.get('version')}; this Interject reads {VERSION}: "
                "pack it again"
            )
        return cls(
            _rows(StoredUtterance, content.get("utterances")),
            _rows(StoredRecording, content.get("recordings")),
        )


def _columns(of: type[Stored], rows: tuple[Stored, ...]) -> dict[str, list[Any]]:
    return {x.name: [getattr(row, x.name) for row in rows] for x in fields(of)}


def _rows(of: type[Stored], columns: Any) -> tuple[Stored, ...]:
    values = []
    for field in fields(of):
        column = columns.get(field.name) if isinstance(columns, dict) else None
        kind: Any = _TYPES[str(field.type)]
        if not isinstance(column, list) or not all(isinstance(x, kind) for x in column):
            raise BadBank(f"its index has no right column {field.name}")
        values.append(_words(column) if field.type == "Words" else column)
    if len({len(column) for column in values}) > 1:
        raise BadBank("its index has columns of unequal length")
    return tuple(of(*row) for row in zip(*values, strict=True))


def _words(column: list[Any]) -> list[Words]:
    try:
        return [tuple((str(word), int(end)) for word, end in words) for words in column]
    except (TypeError, ValueError):
        raise BadBank("its index has no right column words") from None

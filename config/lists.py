"""What every list of a profile has to be."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from interject.config.letters import folded


def plain(phrase: str) -> str:
    """Phrases with the same letters and digits are the same, whatever their case and marks."""
    kept = "".join(c if c.isalnum() or c.isspace() else " " for c in folded(phrase))
    return " ".join(kept.split())


def distinct(entries: tuple[str, ...]) -> tuple[str, ...]:
    """What stands twice is a slip of somebody who meant something else."""
    for entry in entries:
        if not entry.strip():
            raise PydanticCustomError("blank", "an entry of it is blank")
        if entries.count(entry) > 1:
            raise PydanticCustomError("twice", "{entry} stands there twice", {"entry": repr(entry)})
    return entries


def phrases(entries: tuple[str, ...]) -> tuple[str, ...]:
    known: dict[str, str] = {}
    for entry in distinct(entries):
        if not plain(entry):
            raise PydanticCustomError("phrase", "an entry of it has neither letters nor digits")
        if (first := known.setdefault(plain(entry), entry)) != entry:
            names = {"entry": repr(entry), "first": repr(first)}
            raise PydanticCustomError("twice", "{entry} means the same as {first}", names)
    return entries


def some_phrases(entries: tuple[str, ...]) -> tuple[str, ...]:
    """People are told in the chat which words to write: some must do it."""
    if not entries:
        raise PydanticCustomError("empty", "it must have one entry at least")
    return phrases(entries)


Names = Annotated[tuple[str, ...], AfterValidator(distinct)]
Phrases = Annotated[tuple[str, ...], AfterValidator(phrases)]
SomePhrases = Annotated[tuple[str, ...], AfterValidator(some_phrases)]

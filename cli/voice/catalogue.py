"""The voices that `interject voice fetch` knows: pinned, with the hashes of their files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from interject.cli.process.failures import InputFailure

CATALOGUE = Path(__file__).with_name("catalogue.json")


@dataclass(frozen=True, slots=True)
class CatalogueFile:
    """`path` is its place in the hub's repository, `name` in the voice's folder.

    `digest` is as the hub counts: a large file's SHA-256, another's hash of git. Empty where only
    the commit pins it.
    """

    name: str
    path: str
    digest: str


@dataclass(frozen=True, slots=True)
class CatalogueVoice:
    name: str
    engine: str
    language: str
    repository: str
    revision: str
    licence: str
    size_bytes: int
    files: tuple[CatalogueFile, ...]


def catalogue(path: Path = CATALOGUE) -> dict[str, CatalogueVoice]:
    voices = json.loads(path.read_text(encoding="utf-8"))
    return {voice["name"]: _voice(voice) for voice in voices}


def known_voice(name: str) -> CatalogueVoice:
    """:raises InputFailure: when there is no such voice."""
    voices = catalogue()
    if name not in voices:
        raise InputFailure(
            f"{name[:80]!r} is no voice that can be fetched; there are {', '.join(voices)}. "
            "Another one of Piper's or Kokoro's is taken with --from FOLDER"
        )
    return voices[name]


def _voice(voice: dict[str, object]) -> CatalogueVoice:
    files = voice.pop("files")
    assert isinstance(files, dict), "it is ours"
    return CatalogueVoice(
        files=tuple(CatalogueFile(name, **file) for name, file in files.items()),
        **voice,  # type: ignore[arg-type]
    )

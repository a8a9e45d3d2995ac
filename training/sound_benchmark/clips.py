"""Proactive-Sound-Bench as it is published: `DOMAIN/SUBFOLDER/RESPOND|IGNORE/ID.wav`.

The path holds the label, so nothing of it is ever given to a model.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DEPTH = 4
SUFFIX = ".wav"


class BenchmarkError(ValueError):
    """A folder or a report cannot be used; the message is one line for whoever gave it."""


class SoundLabel(StrEnum):
    """What is right to do after a clip."""

    RESPOND = "RESPOND"
    IGNORE = "IGNORE"


@dataclass(frozen=True, slots=True)
class BenchmarkClip:
    """One recording. `clip_id` is the file's name without its ending."""

    clip_id: str
    domain: str
    subfolder: str
    label: SoundLabel
    path: Path


def read_clips(folder: Path) -> list[BenchmarkClip]:
    """Every clip of a folder, by its path.

    :raises BenchmarkError: when there are none, a file lies elsewhere, or an id is there twice.
    """
    if not folder.is_dir():
        raise BenchmarkError(f"{folder}: no such folder")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() == SUFFIX)
    if not found:
        raise BenchmarkError(
            f"{folder}: holds no clip; they are expected as DOMAIN/SUBFOLDER/RESPOND/ID.wav and "
            "DOMAIN/SUBFOLDER/IGNORE/ID.wav"
        )
    clips = [_clip(path, folder) for path in found]
    seen: dict[str, Path] = {}
    for clip in clips:
        if clip.clip_id in seen:
            raise BenchmarkError(f"{clip.path}: its id is also that of {seen[clip.clip_id]}")
        seen[clip.clip_id] = clip.path
    return clips


def _clip(path: Path, folder: Path) -> BenchmarkClip:
    parts = path.relative_to(folder).parts
    if len(parts) != DEPTH:
        raise BenchmarkError(
            f"{path}: lies {len(parts) - 1} folders deep, not 3 (DOMAIN/SUBFOLDER/RESPOND|IGNORE)"
        )
    domain, subfolder, label, _ = parts
    if label not in tuple(SoundLabel):
        raise BenchmarkError(f"{path}: its folder is {label!r}; it must be RESPOND or IGNORE")
    return BenchmarkClip(path.stem, domain, subfolder, SoundLabel(label), path)

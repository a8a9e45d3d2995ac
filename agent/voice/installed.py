"""Which natural voices are on this machine."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER_VARIABLE = "INTERJECT_VOICES"
ABOUT_FILE = "voice.json"
"""Beside the files of a voice: whence it came, under which licence."""


@dataclass(frozen=True, slots=True)
class InstalledVoice:
    """`language` is written as espeak-ng does: en-gb. `speakers`: empty for one without a name."""

    name: str
    engine: str
    folder: Path
    network: Path
    language: str
    speakers: tuple[str, ...]
    size_bytes: int
    licence: str


def voices_folder(environment: Mapping[str, str] | None = None) -> Path:
    """`INTERJECT_VOICES`, or where programs keep data for their user."""
    known = os.environ if environment is None else environment
    if named := known.get(FOLDER_VARIABLE):
        return Path(named)
    data = (
        known.get("XDG_DATA_HOME") or Path(known.get("HOME") or "~").expanduser() / ".local/share"
    )
    return Path(data) / "interject" / "voices"


def installed_voices(folder: Path | None = None) -> list[InstalledVoice]:
    """By name. What is no voice, or is not there whole, is left out."""
    root = voices_folder() if folder is None else folder
    try:
        folders = sorted(path for path in root.iterdir() if path.is_dir())
    except OSError:
        return []
    found = (voice_in(path) for path in folders if not path.name.startswith("."))
    return [voice for voice in found if voice is not None]


def voice_in(folder: Path) -> InstalledVoice | None:
    """Told by its files: a Piper network has its JSON beside it, Kokoro a folder of speakers."""
    networks = sorted(folder.glob("*.onnx")) + sorted(folder.glob("onnx/*.onnx"))
    for network in networks:
        beside = network.with_name(network.name + ".json")
        if beside.is_file():
            return _piper(folder, network, _json(beside))
        if any((folder / "voices").glob("*.bin")):
            return _kokoro(folder, network)
    return None


def _piper(folder: Path, network: Path, config: dict[str, Any]) -> InstalledVoice:
    espeak = config.get("espeak")
    language = espeak.get("voice", "") if isinstance(espeak, dict) else ""
    speakers = config.get("speaker_id_map")
    code = config.get("language")
    if isinstance(code, dict) and isinstance(code.get("code"), str):
        language = code["code"].replace("_", "-").lower()
    return InstalledVoice(
        folder.name,
        "piper",
        folder,
        network,
        str(language),
        tuple(speakers) if isinstance(speakers, dict) else (),
        _size(folder),
        _licence(folder),
    )


def _kokoro(folder: Path, network: Path) -> InstalledVoice:
    speakers = tuple(sorted(path.stem for path in (folder / "voices").glob("*.bin")))
    return InstalledVoice(
        folder.name, "kokoro", folder, network, "en-us", speakers, _size(folder), _licence(folder)
    )


def _licence(folder: Path) -> str:
    licence = _json(folder / ABOUT_FILE).get("licence")
    return licence if isinstance(licence, str) else ""


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

"""Runs one `interject voice fetch`."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from interject.agent.voice.installed import ABOUT_FILE, InstalledVoice, voice_in, voices_folder
from interject.cli.model.byte_progress import byte_progress
from interject.cli.model.fetch import fetch, is_right
from interject.cli.model.hub_repository import HubFile
from interject.cli.process.failures import InputFailure, printable
from interject.cli.voice.catalogue import CatalogueVoice, catalogue, known_voice
from interject.cli.voice.hub_voice import HubVoice

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
WANTED = (
    "*.onnx",
    "*.onnx.json",
    "tokenizer.json",
    "vocabulary.json",
    "voices/*.bin",
    "MODEL_CARD",
)
MOST_DEPTH = 6


def fetch_voice(name: str, source: str | None) -> None:
    """:raises InputFailure: when it cannot be had whole."""
    if not NAME.fullmatch(name):
        raise InputFailure(
            f"{name[:80]!r} names no voice: letters, digits, '_', '.', '-' are allowed"
        )
    folder = voices_folder() / name
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        if source is None:
            brought = _from_hub(known_voice(name), folder)
        else:
            brought = _from_folder(name, Path(source), folder)
    except OSError as exc:
        raise InputFailure(
            f"{printable(str(exc.filename or folder))}: {(exc.strerror or str(exc)).lower()}"
        ) from exc
    installed = voice_in(folder)
    if installed is None:
        raise InputFailure(f"{printable(str(folder))}: what came is no voice of Piper or Kokoro")
    sys.stdout.write(f"{name}: {brought}\n{_how_to_use(installed)}\n")


def _from_hub(voice: CatalogueVoice, folder: Path) -> str:
    with byte_progress(sys.stderr) as told:
        fetched = fetch(HubVoice(voice), voice.revision, folder, told=told)
    _write_about(folder, voice.licence)
    return (
        f"{fetched.files} files, {fetched.downloaded_bytes / 1e6:,.1f} MB fetched now from "
        f"{fetched.repository}, sizes and hashes are right; licence: {voice.licence}"
    )


def _from_folder(name: str, source: Path, folder: Path) -> str:
    """Take what belongs to a voice, wherever below the folder it lies."""
    if not source.is_dir():
        raise InputFailure(f"--from {printable(str(source))}: there is no such folder")
    voice = catalogue().get(name)
    found = _wanted_files(source, voice)
    fresh = folder.with_name(f".{name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    for target, path in found.items():
        place = fresh / target
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
    try:
        _check(fresh, voice, source)
        _write_about(fresh, voice.licence if voice else "not known here: see where it came from")
        shutil.rmtree(folder, ignore_errors=True)
        fresh.replace(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    known = "hashes are right" if voice else "no hash of it is known here"
    return f"{len(found)} files taken from {printable(str(source))}, {known}"


def _wanted_files(source: Path, voice: CatalogueVoice | None) -> dict[str, Path]:
    """By the names that they shall have."""
    paths = list(_below(source))
    if voice is not None:
        found = {
            file.name: path
            for file in voice.files
            for path in paths
            if path.as_posix().endswith(f"/{file.name}")
        }
        missing = [file.name for file in voice.files if file.name not in found]
        if missing:
            raise InputFailure(
                f"--from {printable(str(source))}: lacks {', '.join(missing[:5])} of {voice.name}"
            )
        return found
    found = {_place(path): path for path in paths if any(path.match(want) for want in WANTED)}
    networks = [name for name in found if name.endswith(".onnx")]
    if len(networks) != 1:
        raise InputFailure(
            f"--from {printable(str(source))}: must hold one .onnx, and holds {len(networks)}"
        )
    return found


def _below(source: Path) -> Iterator[Path]:
    for path in sorted(source.rglob("*")):
        if path.is_file() and len(path.relative_to(source).parts) <= MOST_DEPTH:
            yield path.absolute()


def _place(path: Path) -> str:
    return f"voices/{path.name}" if path.parent.name == "voices" else path.name


def _check(folder: Path, voice: CatalogueVoice | None, source: Path) -> None:
    if voice_in(folder) is None:
        raise InputFailure(
            f"--from {printable(str(source))}: holds no voice; Piper's is NAME.onnx with "
            "NAME.onnx.json, Kokoro's a .onnx, tokenizer.json and voices/*.bin"
        )
    for file in voice.files if voice else ():
        path = folder / file.name
        hashed = HubFile(file.name, path.stat().st_size, file.digest)
        if file.digest and not is_right(path, hashed):
            raise InputFailure(
                f"--from {printable(str(source))}: {file.name} is not the file that is pinned for "
                f"{voice.name if voice else ''}: its hash differs"
            )


def _write_about(folder: Path, licence: str) -> None:
    about = json.dumps({"licence": licence}, indent=1)
    (folder / ABOUT_FILE).write_text(about + "\n", encoding="utf-8")


def _how_to_use(voice: InstalledVoice) -> str:
    return (
        f"hear it: interject voice say 'One moment.' --voice {voice.name}\n"
        f"in a profile: voice: {{engine: {voice.engine}, model: {voice.name}}}"
    )

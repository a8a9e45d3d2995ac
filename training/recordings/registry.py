"""Packages, fetched with the tools of their registries and unpacked, not installed.

Which mirror they come from is those tools' own configuration.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING

from interject.training.recordings.source import Registry

if TYPE_CHECKING:
    from pathlib import Path

    from interject.training.recordings.source import RecordingSource

TIMEOUT_S = 900.0


class UnobtainablePackage(Exception):
    """One line: what the registry's tool said."""


def unpack_package(source: RecordingSource, folder: Path) -> Path:
    """Fetches a source's package into an empty folder; returns where its files lie.

    :raises UnobtainablePackage: when it cannot be had or is not what was expected.
    """
    if source.registry is Registry.APT:
        wanted = source.package if source.version is None else f"{source.package}={source.version}"
        _run(["apt-get", "download", "-q", wanted], folder)
        package = _only(folder, "*.deb")
        _run(["dpkg-deb", "-x", package.name, "files"], folder)
    else:
        # A source's metadata is made by its own build: that runs code of the package.
        wanted = f"{source.package}=={source.version}"
        options = ["--no-deps", "--no-binary", source.package, "--disable-pip-version-check"]
        _run([sys.executable, "-m", "pip", "download", "-q", *options, wanted], folder)
        package = _only(folder, "*.tar.gz")
        _untar(package, folder / "files")
    package.unlink()
    return folder / "files"


def _run(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except FileNotFoundError:
        raise UnobtainablePackage(f"{command[0]} is not installed here") from None
    except subprocess.TimeoutExpired:
        raise UnobtainablePackage(f"{command[0]} took longer than {TIMEOUT_S:g} s") from None
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith(("E:", "ERROR:"))]
        last = said or done.stderr.splitlines() or ["said nothing"]
        raise UnobtainablePackage(f"{command[0]}: {last[0].strip()}")


def _only(folder: Path, pattern: str) -> Path:
    found = list(folder.glob(pattern))
    if len(found) != 1:
        raise UnobtainablePackage(f"{len(found)} files {pattern} came where one was expected")
    return found[0]


def _untar(package: Path, folder: Path) -> None:
    """Its one folder is left out of the paths."""
    try:
        with tarfile.open(package) as archive:
            archive.extractall(folder, filter="data")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise UnobtainablePackage(f"{package.name} cannot be unpacked: {error}") from None
    (inner,) = folder.iterdir()
    inner.rename(folder.with_name("inner"))
    folder.rmdir()
    folder.with_name("inner").rename(folder)

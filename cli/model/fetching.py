"""Runs one `interject model fetch`."""

from __future__ import annotations

import sys
from pathlib import Path

from interject.cli.model.byte_progress import byte_progress
from interject.cli.model.fetch import fetch
from interject.cli.model.hub_repository import HubRepository
from interject.cli.process.failures import InputFailure, printable


def fetch_model(repository: str, out: str | None, *, revision: str) -> None:
    """:raises InputFailure: when it cannot be had whole."""
    folder = Path(repository.rpartition("/")[2] if out is None else out)
    shown = printable(str(folder))
    if folder.exists() and not folder.is_dir():
        raise InputFailure(f"{shown}: is no folder; name another one with --out")
    if not folder.parent.exists():
        raise InputFailure(f"{shown}: there is no folder {printable(str(folder.parent))}")
    hub = HubRepository(repository)
    with byte_progress(sys.stderr) as told:
        fetched = fetch(hub, revision, folder, told=told)
    sys.stdout.write(
        f"{shown}: {fetched.files} files, {fetched.downloaded_bytes / 1e6:,.1f} MB fetched now, "
        "sizes and hashes are right\n"
        f"the same again: interject model fetch {repository} --revision {fetched.commit}\n"
    )
    _say_what_it_is(folder, shown)


def _say_what_it_is(folder: Path, shown: str) -> None:
    """The hub holds much else: what is no checkpoint was fetched as it is."""
    from interject.model_runtime.failures import RuntimeFailure

    try:
        from interject.model_runtime.checkpoint import read_config

        config = read_config(folder)
    except (RuntimeFailure, ModuleNotFoundError) as exc:
        sys.stdout.write(f"note: it cannot be run as it is ({exc})\n")
        return
    sys.stdout.write(f"{config.name}: interject listen --runtime embedded:{shown} FILE\n")

"""Runs `interject profile list` and `interject profile show`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import yaml

from interject.cli.process.failures import printable
from interject.config import load_profile, shipped_profiles
from interject.config.loader import load_layers

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TextIO

WIDTH = 100


def show_names(out: TextIO | None = None) -> None:
    out = sys.stdout if out is None else out
    names = shipped_profiles()
    longest = max(map(len, names))
    for name in names:
        out.write(f"{name:<{longest}}  {load_profile(name).description}\n")


def show_profile(name: str, out: TextIO | None = None) -> None:
    """Read again it is the same profile.

    :raises ProfileError: when there is none, or it cannot be used.
    """
    out = sys.stdout if out is None else out
    profile, files = load_layers(name)
    out.write(f"# {origin(files)}\n")
    content = profile.model_dump(mode="json")
    out.write(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=WIDTH))


def origin(files: tuple[Path, ...]) -> str:
    return ", which extends ".join(printable(str(path)) for path in files)

"""The command that installs what is missing, here."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shlex
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

NAME = "interject"
ORIGIN = "direct_url.json"
_ASKED = re.compile(
    rf"pip install (?P<options>(?:--[a-z-]+ )*)'?{NAME}(?P<extras>\[[a-z,]+\])?'?(?![\w.-])"
)


def for_this_installation(text: str) -> str:
    """Messages ask for `pip install 'interject[extra]'`. Typed as it stands that asks an index,
    where a package of other people has our name; so name what this installation was made from.
    """
    if _ASKED.search(text) is None:
        return text
    try:
        origin = importlib.metadata.distribution(NAME).read_text(ORIGIN)
    except importlib.metadata.PackageNotFoundError:
        origin = None
    return rewritten(text, origin, python=Path(sys.executable), folder=Path.cwd())


def rewritten(text: str, origin: str | None, *, python: Path, folder: Path) -> str:
    """`origin` is what pip wrote down of it, None where it came from an index, its owner's then."""
    pip = f"{shlex.quote(_shown(python, folder))} -m pip install"
    editable, source = _source(json.loads(origin or "{}"), folder)
    return _ASKED.sub(
        lambda asked: (
            f"{pip} {asked['options']}{editable}{shlex.quote(source + (asked['extras'] or ''))}"
        ),
        text,
    )


def _source(record: dict[str, Any], folder: Path) -> tuple[str, str]:
    """An option of pip's, and what it installs."""
    url = urlsplit(record.get("url", ""))
    if url.scheme != "file":
        return "", NAME
    editable = record.get("dir_info", {}).get("editable", False)
    return "-e " if editable else "", _shown(Path(unquote(url.path)), folder)


def _shown(path: Path, folder: Path) -> str:
    """From the folder where the command will be typed, where it lies below that."""
    return os.path.relpath(path, folder) if path.is_relative_to(folder) else str(path)

"""Settings that are environment variables: a name that is written wrongly is told, not left out."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


def unknown_setting(
    environment: Mapping[str, str], prefix: str, known: Collection[str], *, page: str
) -> str | None:
    """What is wrong with the first variable that begins like a setting and is none; `page` lists
    them all.
    """
    own = [name.removeprefix(prefix) for name in known if name.startswith(prefix)]
    for name in sorted(environment):
        if name.startswith(prefix) and environment[name].strip() and name not in known:
            close = difflib.get_close_matches(name.removeprefix(prefix), own, 1, cutoff=0.5)
            hint = f"did you mean {prefix}{close[0]}?" if close else f"{page} lists them"
            return _told(name, hint)
    return None


def misspelt_setting(
    environment: Mapping[str, str], prefix: str, known: Collection[str]
) -> str | None:
    """What is wrong with the first variable that is almost one of the `known`. Others may begin
    like them, too.
    """
    own = [name.removeprefix(prefix) for name in known]
    for name in sorted(environment):
        if not name.startswith(prefix) or not environment[name].strip() or name in known:
            continue
        if close := difflib.get_close_matches(name.removeprefix(prefix), own, 1, cutoff=0.8):
            return _told(name, f"did you mean {prefix}{close[0]}?")
    return None


def _told(name: str, hint: str) -> str:
    return f"{name}: there is no such setting; {hint}"

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
            return f"{name}: there is no such setting; {hint}"
    return None

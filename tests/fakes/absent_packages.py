"""A machine on which only some packages are installed: the others cannot be imported."""

from __future__ import annotations

import re
from importlib.abc import MetaPathFinder
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

NOT_IMPORTED = {"huggingface-hub"}
"""`tokenizers` asks for it, for a way to download."""
OURS = {"interject", "tests", "benchmarks"}


class AbsentPackages(MetaPathFinder):
    """Knows where nothing is but `packages`, and what they need."""

    def __init__(self, packages: Sequence[str]) -> None:
        there = with_requirements(packages)
        self._missing = {
            module
            for module, packages in packages_distributions().items()
            if module not in OURS and not there.intersection(map(normal, packages))
        }

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] in self._missing:
            raise ModuleNotFoundError(f"a bare machine has no {fullname}", name=fullname)
        return None


def with_requirements(names: Sequence[str]) -> set[str]:
    """These packages and all that they need, without extras."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = normal(waiting.pop())
        if name in found or name in NOT_IMPORTED:
            continue
        found.add(name)
        try:
            needed = requires(name) or []
        except PackageNotFoundError:
            continue
        waiting += [re.split(r"[^\w.-]", text)[0] for text in needed if "extra ==" not in text]
    return found


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()

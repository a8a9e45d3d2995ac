"""A machine on which only some packages are installed: the others cannot be imported."""

from __future__ import annotations

import re
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from importlib.machinery import ModuleSpec
    from importlib.metadata import Distribution, DistributionFinder
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
            return None
        return PathFinder.find_spec(fullname, path, target)

    def find_distributions(self, context: DistributionFinder.Context) -> Iterable[Distribution]:
        return PathFinder.find_distributions(context)

    def invalidate_caches(self) -> None:
        PathFinder.invalidate_caches()


def leave_only(packages: Sequence[str]) -> None:
    """In this process, from now on. Who looks whether a package is there sees that it is not."""
    there: list[Any] = sys.meta_path
    there[there.index(PathFinder)] = AbsentPackages(packages)


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

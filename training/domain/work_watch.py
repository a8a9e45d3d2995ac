"""Who watches a domain's work, and how it is stopped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class WorkStopped(Exception):
    """Somebody wanted the work to stop; the same command goes on from there."""


class Told(Protocol):
    """A part of the work begins, a step of it is done."""

    def part(self, name: str, total: int | None) -> None: ...

    def advanced(self, count: int) -> None: ...

    def note(self, text: str) -> None: ...


@dataclass(frozen=True, slots=True)
class WorkWatch:
    """`stop` is asked often: after every chunk that is heard, every utterance that is spoken."""

    told: Told
    stop: Callable[[], bool] = lambda: False

    def check(self) -> None:
        """:raises WorkStopped: when it is to stop."""
        if self.stop():
            raise WorkStopped

"""What has to happen in a call, and what of it the model says has happened."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.config import ChecklistSettings


@dataclass(frozen=True, slots=True)
class ChecklistItem:
    """`chunk` is the 400 ms that proved it, `at_s` the end of that chunk in the stream, and `time`
    when it was ticked, in seconds since 1970.
    """

    item: str
    text: str = field(repr=False)
    done: bool = False
    chunk: int | None = None
    at_s: float | None = None
    time: float | None = None


@dataclass(frozen=True, slots=True)
class ChecklistUpdate:
    """The whole list as it is now, and which items are new in it. `over`: the call has ended, and
    what is open stays so. `identities` are whom the platform shows it to.
    """

    items: tuple[ChecklistItem, ...]
    ticked: tuple[str, ...] = ()
    over: bool = False
    call: str = ""
    identities: tuple[str, ...] = ()

    @property
    def open(self) -> tuple[str, ...]:
        """The texts of what has not happened."""
        return tuple(item.text for item in self.items if not item.done)


class Checklist:
    """Of one call. What is ticked stays so, with its first proof."""

    def __init__(
        self, settings: ChecklistSettings, *, wall_clock: Callable[[], float] = time.time
    ) -> None:
        self._wall_clock = wall_clock
        self._items = {name: ChecklistItem(name, text) for name, text in settings.items.items()}

    def tick(self, names: tuple[str, ...], *, chunk: int, at_s: float) -> ChecklistUpdate | None:
        """None: nothing of it is new."""
        new = tuple(name for name in names if not self._items[name].done)
        now = round(self._wall_clock(), 3)
        for name in new:
            self._items[name] = replace(
                self._items[name], done=True, chunk=chunk, at_s=round(at_s, 3), time=now
            )
        return replace(self.state(), ticked=new) if new else None

    def state(self, *, over: bool = False) -> ChecklistUpdate:
        return ChecklistUpdate(tuple(self._items.values()), over=over)

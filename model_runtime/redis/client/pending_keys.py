"""Sessions that something is to be done for soon."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class PendingKeys:
    """`event` is set while there are any."""

    def __init__(self) -> None:
        self.event = asyncio.Event()
        self._keys: set[str] = set()

    def add(self, key: str) -> None:
        self._keys.add(key)
        self.event.set()

    def update(self, keys: Iterable[str]) -> None:
        self._keys.update(keys)
        self.event.set()

    def take(self) -> set[str]:
        """All of them; from now on they are none."""
        taken, self._keys = self._keys, set()
        self.event.clear()
        return taken

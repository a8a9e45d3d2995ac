"""What waits to be sent to other processes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import BaseModel

    from interject.integrations.console.moment_lane import MomentLane
    from interject.integrations.console.neighbourhood import Letter

MOST_WAITING = 1_000
GATHERED_S = 0.02
"""What comes within that goes together."""


class OutgoingLetters:
    """Where too many wait, the newest is not taken: who waits for an answer waits not for long."""

    def __init__(self) -> None:
        self._waiting: list[Letter] = []
        self._due: dict[MomentLane, None] = {}
        self._any = asyncio.Event()

    def put(self, to: str, head: BaseModel) -> None:
        if len(self._waiting) < MOST_WAITING:
            self._waiting.append((to, head.model_dump_json().encode(), b""))
            self._any.set()

    def due(self, lane: MomentLane) -> None:
        """It has something to say."""
        self._due[lane] = None
        self._any.set()

    async def take(self) -> list[Letter]:
        """All there are, as soon as there is one, and what comes right behind it."""
        await self._any.wait()
        await asyncio.sleep(GATHERED_S)
        return self.rest()

    def rest(self) -> list[Letter]:
        """All there are now."""
        self._any.clear()
        (waiting, self._waiting), (due, self._due) = (self._waiting, []), (self._due, {})
        return waiting + [letter for lane in due for letter in lane.letters()]

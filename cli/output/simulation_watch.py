"""What is noticed of a simulated call while it goes on, and waited for."""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from interject.cli.output.call_event import CallEvent
from interject.cli.output.server_events import SILENT, DecisionCount, server_events

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.cli.output.event_lines import EventLines

LOOK_S = 0.05
HUSH_S = 0.6
ANNOUNCEMENT_S, QUIET_S = 15.0, 3.0
"""Whoever calls lets the agent say who listens; where it says nothing for so long he begins."""


class SimulationWatch(ABC):
    """`now_s` are the call's own seconds, and `keep` gets every event."""

    def __init__(self) -> None:
        self._looked = asyncio.Event()
        self._decided = DecisionCount()
        self.has_spoken = False

    @property
    @abstractmethod
    def now_s(self) -> float: ...

    @property
    @abstractmethod
    def speaks(self) -> bool:
        """Whether the agent is heard now."""

    @abstractmethod
    def look_once(self) -> None: ...

    @abstractmethod
    def keep(self, event: CallEvent) -> None: ...

    @property
    def counts(self) -> dict[str, int]:
        return self._decided.counts

    def note(self, event: str, **fields: Any) -> None:
        self.keep(CallEvent(round(self.now_s, 2), event, fields))

    async def follow(self, address: str, token: str, call: str) -> None:
        """Decisions, replies and cues, as the server tells them; until cancelled."""
        async for event, fields in server_events(address, token, call):
            self._decided.add(event)
            self.note(event, **fields)

    async def look(self) -> None:
        """Until cancelled."""
        while True:
            self.look_once()
            self._looked.set()
            await asyncio.sleep(LOOK_S)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Asked after each look."""
        while not condition():
            self._looked.clear()
            await self._looked.wait()

    async def until_announced(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(QUIET_S):
                await self.until(lambda: self.has_spoken)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANNOUNCEMENT_S):
                await self.until(lambda: not self.speaks)


def shown_by(lines: EventLines, *, as_json: bool) -> Callable[[CallEvent], None]:
    """Decisions to be silent are counted alone where a person reads."""

    def show(event: CallEvent) -> None:
        if as_json or event.event != SILENT:
            lines.show(event)

    return show

"""Whether the server should be sent calls, known before a probe asks."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import RuntimeFailure
from interject.model_runtime.telemetry.health import HealthStatus, Stage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


logger = logging.getLogger("interject.serve")

LOOK_S = 1.0
ANSWER_S = 3.0
AWAY = "the runtime does not answer"
NO_MODEL = "no model is there yet"


class Readiness:
    """A full server is ready: whoever calls it is told so. One whose runtime is gone is not, until
    that is back.
    """

    def __init__(self, free_slots: Callable[[], Awaitable[int | None]]) -> None:
        self._free_slots = free_slots
        self._away = ""
        self.stage = Stage.STARTING

    def status(self) -> HealthStatus:
        if self.stage is not Stage.READY:
            return HealthStatus(False, self.stage.value)
        return HealthStatus(not self._away, self._away or "ready")

    async def keep_looking(self) -> None:
        """Until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        away = await self._reason()
        if bool(away) != bool(self._away):
            logger.warning("the runtime is away" if away else "the runtime is back")
        self._away = away

    async def _reason(self) -> str:
        try:
            async with asyncio.timeout(ANSWER_S):
                return "" if await self._free_slots() is not None else NO_MODEL
        except (TimeoutError, RuntimeFailure):
            return AWAY

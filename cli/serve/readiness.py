"""Whether the server should be sent calls, known before a probe asks."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import RuntimeFailure
from interject.model_runtime.telemetry.health import HealthStatus, Stage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


logger = logging.getLogger("interject.serve")

LOOK_S = 1.0
VOICE_LOOK_S = 3.0
ANSWER_S = 3.0
AWAY = "the runtime does not answer"
NO_MODEL = "no model is there yet"


class Readiness:
    """A full server is ready: whoever calls it is told so. One whose runtime or voice is gone is
    not, until that is back. `voice_fault` says what is wrong with the voice, or nothing.
    """

    def __init__(
        self,
        free_slots: Callable[[], Awaitable[int | None]],
        voice_fault: Callable[[], Awaitable[str]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._free_slots = free_slots
        self._voice_fault = voice_fault
        self._clock = clock
        self._voice_due_at = clock()
        self._away = ""
        self._mute = ""
        self.stage = Stage.STARTING

    def status(self) -> HealthStatus:
        if self.stage is not Stage.READY:
            return HealthStatus(False, self.stage.value)
        reason = "; ".join(filter(None, (self._away, self._mute)))
        return HealthStatus(not reason, reason or "ready")

    async def keep_looking(self) -> None:
        """Until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        away = await self._runtime_reason()
        if bool(away) != bool(self._away):
            logger.warning("the runtime is away" if away else "the runtime is back")
        self._away = away
        if self._clock() >= self._voice_due_at:
            await self._look_at_voice()

    async def _look_at_voice(self) -> None:
        fault = await self._voice_fault()
        if bool(fault) != bool(self._mute):
            logger.warning(
                "the voice cannot speak" if fault else "the voice is back", extra={"reason": fault}
            )
        self._mute = f"the voice cannot speak: {fault}" if fault else ""
        self._voice_due_at = self._clock() + VOICE_LOOK_S

    async def _runtime_reason(self) -> str:
        try:
            async with asyncio.timeout(ANSWER_S):
                return "" if await self._free_slots() is not None else NO_MODEL
        except (TimeoutError, RuntimeFailure):
            return AWAY

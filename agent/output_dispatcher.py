"""Hands events to the outputs without ever making the session wait for them."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.agent.outputs import Output, OutputEvent

logger = logging.getLogger(__name__)

QUEUE_EVENTS = 256
EMIT_TIMEOUT_S = 10.0


class OutputDispatcher:
    """One queue for all outputs. A full queue drops the newest event and counts it."""

    def __init__(self, outputs: Sequence[Output]) -> None:
        self._outputs = tuple(outputs)
        self._queue: asyncio.Queue[OutputEvent | None] = asyncio.Queue(QUEUE_EVENTS)
        self.dropped_events = 0
        self.failed_events = 0

    def put(self, event: OutputEvent) -> None:
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            self.dropped_events += 1

    async def close(self) -> None:
        """Let `run` end after what is queued."""
        await self._queue.put(None)

    async def run(self) -> None:
        while (event := await self._queue.get()) is not None:
            for output in self._outputs:
                await self._emit(output, event)

    async def _emit(self, output: Output, event: OutputEvent) -> None:
        """A chat that is down must not end the listening, so any error is counted and logged."""
        try:
            async with asyncio.timeout(EMIT_TIMEOUT_S):
                await output.emit(event)
        except Exception as exc:
            self.failed_events += 1
            logger.warning(
                "An output failed",
                extra={"output": type(output).__name__, "error_type": type(exc).__name__},
            )

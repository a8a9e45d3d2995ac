"""Every decision as a message, for dashboards and tests."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Protocol

from interject.config.strict import StrictModel
from interject.model_runtime.protocol import FloorMode

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.model_runtime.protocol import Decision

logger = logging.getLogger(__name__)

WAITING_DECISIONS = 64
MAX_SPEAKERS = 32
SEND_TIMEOUT_S = 5.0


class SpeakerLevel(StrictModel):
    """A voice of the chunk: its loudest 20 ms, in dB relative to full scale."""

    identity: str
    level_dbfs: float


class DecisionMessage(StrictModel):
    """The JSON of one decision. `time` is seconds since 1970; `queued_s` from sound to decision."""

    chunk: int
    time: float
    respond: bool
    p_respond: float
    mode: FloorMode
    queued_s: float
    speakers: tuple[SpeakerLevel, ...]


class DecisionSender(Protocol):
    """The platform's way to everybody who wants to watch; it may lose some."""

    async def send_decision(self, decision: DecisionMessage) -> None: ...


class DecisionFeed:
    """Decisions are sent as they come, and dropped when they are taken too slowly."""

    def __init__(
        self, sender: DecisionSender, *, wall_clock: Callable[[], float] = time.time
    ) -> None:
        self._sender = sender
        self._wall_clock = wall_clock
        self._waiting: asyncio.Queue[DecisionMessage] = asyncio.Queue(WAITING_DECISIONS)
        self.dropped = 0

    def put(self, decision: Decision) -> None:
        try:
            self._waiting.put_nowait(decision_message(decision, now=self._wall_clock()))
        except asyncio.QueueFull:
            self.dropped += 1

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            message = await self._waiting.get()
            try:
                async with asyncio.timeout(SEND_TIMEOUT_S):
                    await self._sender.send_decision(message)
            except Exception as error:
                self.dropped += 1
                logger.debug(
                    "A decision could not be sent", extra={"error_type": type(error).__name__}
                )


def decision_message(decision: Decision, *, now: float) -> DecisionMessage:
    return DecisionMessage(
        chunk=decision.seq,
        time=now,
        respond=decision.respond,
        p_respond=round(decision.p_respond, 6),
        mode=decision.mode,
        queued_s=round(decision.queued_s, 4),
        speakers=tuple(
            SpeakerLevel(identity=speaker.identity, level_dbfs=speaker.level_dbfs)
            for speaker in decision.speakers[:MAX_SPEAKERS]
        ),
    )

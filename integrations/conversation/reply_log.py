"""Replies and their delays, in the log and in metrics."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from interject.agent.floor import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.integrations.conversation.metrics import ConversationMetrics
    from interject.model_runtime.protocol import Decision, ReplyEnded, ReplyStarted

logger = logging.getLogger(__name__)


class ReplyLog:
    """Follows one session. A line holds lengths, times and kinds, and no word."""

    def __init__(
        self, metrics: ConversationMetrics, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._metrics = metrics
        self._clock = clock
        self._began_at: float | None = None

    def decided(self, decision: Decision) -> None:
        self._metrics.decision_s.observe(decision.queued_s)

    def started(self, _started: ReplyStarted, verdict: Verdict) -> None:
        """How long one that waits for another has to wait says nothing about us."""
        at_once = verdict in (Verdict.SPEAK, Verdict.INTERRUPT)
        self._began_at = self._clock() if at_once else None

    def first_text(self, seconds: float) -> None:
        """`seconds` after the reply's start."""
        self._metrics.first_text_s.observe(seconds)

    def heard(self) -> None:
        """The agent's voice begins to sound."""
        if self._began_at is None:
            return
        seconds, self._began_at = self._clock() - self._began_at, None
        self._metrics.first_sound_s.observe(seconds)
        logger.info("A reply is heard", extra={"seconds": round(seconds, 3)})

    def ended(self, started: ReplyStarted, ended: ReplyEnded, verdict: Verdict) -> None:
        cause, emotion, end = started.cause.value, started.emotion.value, ended.reason.value
        self._metrics.replies.labels(
            cause=cause, verdict=verdict.value, emotion=emotion, end=end
        ).inc()
        logger.info(
            "A reply is written",
            extra={
                "chunk": started.seq,
                "chars": len(ended.text),
                "tokens": ended.token_count,
                "cause": cause,
                "verdict": verdict.value,
                "emotion": emotion,
                "end": end,
            },
        )

"""What happens in a room, in the log and in figures: who comes and goes, replies, delays."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Self

from interject.agent.floor import Verdict
from interject.integrations.conversation import figures
from interject.integrations.livekit.room.tracks import people_only

if TYPE_CHECKING:
    from collections.abc import Callable

    from livekit import rtc
    from livekit.agents import AgentSession, AgentStateChangedEvent
    from livekit.agents.metrics import RealtimeModelMetrics

    from interject.integrations.livekit.realtime import RealtimeSession
    from interject.model_runtime.protocol import Decision, ReplyEnded, ReplyStarted

logger = logging.getLogger(__name__)


class Attendance:
    """Used with `with`, for as long as the agent is in the room."""

    def __init__(self, room: rtc.Room) -> None:
        self._room = room

    def __enter__(self) -> Self:
        self._room.on("participant_connected", self._on_connected)
        self._room.on("participant_disconnected", self._on_disconnected)
        figures.ROOMS.inc()
        for participant in self._room.remote_participants.values():
            self._on_connected(participant)
        return self

    def __exit__(self, *_: object) -> None:
        self._room.off("participant_connected", self._on_connected)
        self._room.off("participant_disconnected", self._on_disconnected)
        figures.ROOMS.dec()
        logger.info("The agent leaves the room")

    def _on_connected(self, participant: rtc.RemoteParticipant) -> None:
        if people_only(participant):
            figures.ARRIVALS.inc()
            logger.info(
                "Somebody is in the room",
                extra={"lk.pii.participant_identity": participant.identity},
            )

    def _on_disconnected(self, participant: rtc.RemoteParticipant) -> None:
        if people_only(participant):
            figures.DEPARTURES.inc()
            logger.info(
                "Somebody has left the room",
                extra={"lk.pii.participant_identity": participant.identity},
            )


class ReplyJournal:
    """Follows one session. A line holds lengths, times and kinds, and no word."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began_at: float | None = None

    def follow(self, session: AgentSession[Any], realtime: RealtimeSession) -> None:
        session.on("agent_state_changed", self._on_state)
        realtime.on("interject_decision", self._on_decision)
        realtime.on("interject_reply_started", self._on_started)
        realtime.on("interject_reply_ended", self._on_ended)
        realtime.on("metrics_collected", self._on_metrics)

    def _on_decision(self, decision: Decision) -> None:
        figures.DECISION_S.observe(decision.queued_s)

    def _on_started(self, _started: ReplyStarted, verdict: Verdict) -> None:
        """How long one that waits for another has to wait says nothing about us."""
        at_once = verdict in (Verdict.SPEAK, Verdict.INTERRUPT)
        self._began_at = self._clock() if at_once else None

    def _on_metrics(self, metrics: RealtimeModelMetrics) -> None:
        if metrics.ttft >= 0:
            figures.FIRST_TEXT_S.observe(metrics.ttft)

    def _on_state(self, event: AgentStateChangedEvent) -> None:
        if event.new_state != "speaking" or self._began_at is None:
            return
        seconds, self._began_at = self._clock() - self._began_at, None
        figures.FIRST_SOUND_S.observe(seconds)
        logger.info("A reply is heard", extra={"seconds": round(seconds, 3)})

    def _on_ended(self, started: ReplyStarted, ended: ReplyEnded, verdict: Verdict) -> None:
        cause, emotion, end = started.cause.value, started.emotion.value, ended.reason.value
        figures.REPLIES.labels(cause=cause, verdict=verdict.value, emotion=emotion, end=end).inc()
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

"""LiveKit's rooms in figures. Job processes share these through LiveKit's collector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from interject.integrations.conversation.metrics import ConversationMetrics
from interject.integrations.conversation.reply_log import ReplyLog
from interject.integrations.conversation.responder_metrics import ResponderMetrics

if TYPE_CHECKING:
    from livekit.agents import AgentSession, AgentStateChangedEvent
    from livekit.agents.metrics import RealtimeModelMetrics

    from interject.integrations.livekit.realtime import RealtimeSession

METRICS = ConversationMetrics("livekit")
RESPONDER_METRICS = ResponderMetrics()


def log_replies(session: AgentSession[Any], realtime: RealtimeSession) -> None:
    """For as long as they last."""
    log = ReplyLog(METRICS)

    def on_state(event: AgentStateChangedEvent) -> None:
        if event.new_state == "speaking":
            log.heard()

    def on_metrics(metrics: RealtimeModelMetrics) -> None:
        if metrics.ttft >= 0:
            log.first_text(metrics.ttft)

    session.on("agent_state_changed", on_state)
    realtime.on("interject_decision", log.decided)
    realtime.on("interject_reply_started", log.started)
    realtime.on("interject_reply_ended", log.ended)
    realtime.on("metrics_collected", on_metrics)

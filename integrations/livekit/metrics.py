"""What one reply cost. LiveKit keeps every metric for the whole session, so never one a chunk."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from livekit.agents.metrics import RealtimeModelMetrics
from livekit.agents.metrics.base import Metadata

from interject.model_runtime.protocol import EndReason

if TYPE_CHECKING:
    from livekit.agents import llm

    from interject.integrations.livekit.generation import Generation
    from interject.model_runtime.protocol import ReplyEnded


def reply_metrics(
    model: llm.RealtimeModel, generation: Generation, ended: ReplyEnded, *, now_s: float
) -> RealtimeModelMetrics:
    """`ttft` is the time from the decision to the first text; all tokens are text."""
    duration_s = max(0.0, now_s - generation.created_at_s)
    first_s = generation.first_text_at_s
    return RealtimeModelMetrics(
        label=model.label,
        request_id=generation.message_id,
        timestamp=time.time() - duration_s,
        duration=duration_s,
        ttft=-1.0 if first_s is None else max(0.0, first_s - generation.created_at_s),
        cancelled=ended.reason is EndReason.CANCELLED,
        output_tokens=ended.token_count,
        total_tokens=ended.token_count,
        tokens_per_second=ended.token_count / duration_s if duration_s else 0.0,
        input_token_details=RealtimeModelMetrics.InputTokenDetails(),
        output_token_details=RealtimeModelMetrics.OutputTokenDetails(text_tokens=ended.token_count),
        metadata=Metadata(model_name=model.model, model_provider=model.provider),
    )

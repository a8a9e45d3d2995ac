"""Spans of what responders did, beside those of the chunks that they answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.model_runtime.telemetry.chunk import ChunkName
from interject.model_runtime.telemetry.tracing import SpanName

if TYPE_CHECKING:
    from interject.agent.responder.watch import AnswerNote
    from interject.model_runtime.telemetry.tracing import Tracer


class ResponderSpans:
    """A reply that somebody asked for answers no chunk, and has none."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def __call__(self, note: AnswerNote) -> None:
        if note.captured_at is None:
            return
        self._tracer.record(
            SpanName.RESPONDER,
            ChunkName.of(note.session_id, note.captured_at),
            start_ns=note.began_ns,
            end_ns=note.ended_ns,
            attributes={
                "interject.reply": note.reply_id,
                "interject.outcome": note.outcome.value,
                "interject.tokens": note.completion_tokens,
            },
        )

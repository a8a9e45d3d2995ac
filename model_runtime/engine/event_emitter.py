"""What a session's owner is told, as events in order."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import (
    Closed,
    CloseReason,
    Decision,
    Emotion,
    FloorMode,
    ReplyDelta,
    ReplyEnded,
    ReplyStarted,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from interject.model_runtime.engine.audio_queue import QueuedChunk
    from interject.model_runtime.engine.reply import Reply
    from interject.model_runtime.protocol import Event


class EventEmitter:
    """`emit` takes the events; another one may take over. `mode` is told with each of them."""

    def __init__(self, session_id: str, emit: Callable[[Event], None], mode: FloorMode) -> None:
        self.emit = emit
        self.mode = mode
        self._id = session_id

    def decision(
        self,
        chunk: QueuedChunk,
        logits: Sequence[float],
        *,
        respond: bool,
        now: float,
    ) -> None:
        """A chunk was decided; `logits` are those of silence and of a reply."""
        frame, (silent_logit, respond_logit) = chunk.frame, logits
        self.emit(
            Decision(
                session_id=self._id,
                seq=frame.seq,
                captured_at=frame.captured_at,
                silent_logit=silent_logit,
                respond_logit=respond_logit,
                p_respond=1.0 / (1.0 + math.exp(min(silent_logit - respond_logit, 700.0))),
                respond=respond,
                mode=self.mode,
                queued_s=now - chunk.arrived_at,
                speakers=frame.speakers,
            )
        )

    def started(self, reply: Reply) -> None:
        """A reply has an emotion; words follow."""
        emotion = reply.emotion or Emotion.NORMAL
        self.emit(
            ReplyStarted(self._id, reply.reply_id, reply.seq, emotion, reply.cause, self.mode)
        )

    def delta(self, reply: Reply, tokens: Sequence[int], text: str) -> None:
        """More of a reply, unless it is nothing."""
        if text or tokens:
            self.emit(ReplyDelta(self._id, reply.reply_id, tuple(tokens), text))

    def ended(self, reply: Reply) -> None:
        """A reply is over, or was cut after it was."""
        assert reply.ended is not None, "only an ended reply is reported as such"
        self.emit(ReplyEnded(self._id, reply.reply_id, reply.ended, reply.text, len(reply.tokens)))

    def closed(self, reason: CloseReason, detail: str) -> None:
        """Nothing follows."""
        self.emit(Closed(self._id, reason, detail))

"""Events and frames for telemetry's tests."""

from __future__ import annotations

from interject.model_runtime.protocol import (
    FRAME_SAMPLES,
    SAMPLE_BYTES,
    Cause,
    Decision,
    Emotion,
    EndReason,
    FloorMode,
    Frame,
    ReplyDelta,
    ReplyEnded,
    ReplyStarted,
)

SECRET = "my card number is four one one one"


def frame(seq: int) -> Frame:
    return Frame(seq, captured_at=100.0 + 0.4 * seq, pcm=bytes(FRAME_SAMPLES * SAMPLE_BYTES))


def decision(seq: int, *, respond: bool = False, queued_s: float = 0.03) -> Decision:
    return Decision(
        session_id="call",
        seq=seq,
        captured_at=100.0 + 0.4 * seq,
        silent_logit=0.0,
        respond_logit=1.0 if respond else -1.0,
        p_respond=0.7 if respond else 0.3,
        respond=respond,
        mode=FloorMode.SPEAK,
        queued_s=queued_s,
    )


def started(reply_id: int, seq: int) -> ReplyStarted:
    return ReplyStarted("call", reply_id, seq, Emotion.NORMAL, Cause.MODEL, FloorMode.SPEAK)


def delta(reply_id: int, text: str) -> ReplyDelta:
    return ReplyDelta("call", reply_id, (1, 2), text)


def ended(reply_id: int) -> ReplyEnded:
    return ReplyEnded("call", reply_id, EndReason.COMPLETE, SECRET, 4)

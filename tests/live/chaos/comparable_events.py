"""An event as a list that JSON keeps, without what rounding and the clock may change."""

from __future__ import annotations

from typing import Any

from interject.model_runtime.protocol import (
    Closed,
    Decision,
    Event,
    Gap,
    ReplyDelta,
    ReplyEnded,
    ReplyStarted,
)

ComparableEvent = list[Any]


def comparable(event: Event) -> ComparableEvent:
    """Its kind first. The second value of decisions and gaps is a frame's number."""
    match event:
        case Decision():
            return ["decision", event.seq, event.respond]
        case ReplyStarted():
            return ["started", event.reply_id, event.seq, event.emotion.value, event.cause.value]
        case ReplyDelta():
            return ["delta", event.reply_id, list(event.token_ids), event.text]
        case ReplyEnded():
            return ["ended", event.reply_id, event.reason.value, event.text, event.token_count]
        case Gap():
            return ["gap", event.first_seq, event.count, event.reason.value]
        case Closed():
            return ["closed", event.reason.value, event.detail]


def renumbered(event: ComparableEvent, first_seq: int) -> ComparableEvent | None:
    """As a client hears it that counts frames from `first_seq` on; None where it does not."""
    kind, *rest = event
    if kind == "decision":
        return [kind, rest[0] - first_seq, *rest[1:]] if rest[0] >= first_seq else None
    if kind == "started":
        return [kind, rest[0], max(-1, rest[1] - first_seq), *rest[2:]]
    return event

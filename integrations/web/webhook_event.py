"""The JSON of what a webhook is told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from pydantic import SerializeAsAny

from interject.agent.cues.checklist import ChecklistUpdate
from interject.agent.cues.summary import CallSummary
from interject.agent.cues.summary_page import fitting
from interject.agent.outputs import Cue, OutputEvent, Posted, Spoken
from interject.agent.responder.tools.asked_tool import AskedTool
from interject.agent.responder.tools.operator import WishOutcome
from interject.config.strict import StrictModel
from interject.integrations.conversation.cues import CueMessage, cue_message
from interject.model_runtime.protocol import Emotion, EndReason

MOST_SUMMARY_BYTES = 512 << 10
"""Proxies take a megabyte where nobody says otherwise, and refuse what is larger for good."""


class WebhookPost(StrictModel):
    """A whole reply to be read. `chunk` is the number of the 400 ms chunk that caused it;
    `category` is what its tag said, as a task or a decision; `sources` say where what it states
    stands.
    """

    call: str
    reply: int
    chunk: int
    emotion: Emotion
    text: str
    end: EndReason
    category: str = ""
    sources: tuple[str, ...] = ()


class WebhookSpeech(StrictModel):
    """A reply that was said aloud: of `text` the first `heard_chars` were heard."""

    call: str
    reply: int
    chunk: int
    emotion: Emotion
    text: str
    heard_chars: int
    interrupted: bool


class WebhookCue(StrictModel):
    """`identities` are those who are shown it. The same `cue.id` again is the same card again."""

    call: str
    identities: tuple[str, ...]
    cue: SerializeAsAny[CueMessage]


class WebhookAsk(StrictModel):
    """An operator was asked whether a tool may run. `arguments` are as he saw them, `speaker` is
    whose words led to it, and `by` who answered, if that is known.
    """

    call: str
    reply: int
    chunk: int
    tool: str
    arguments: dict[str, str]
    speaker: str
    outcome: WishOutcome
    by: str
    waited_s: float


class WebhookEvent(StrictModel):
    """`timestamp` is when it happened, in ISO 8601."""

    type: Literal[
        "cue.shown",
        "reply.posted",
        "reply.spoken",
        "tool.asked",
        "checklist.updated",
        "call.summary",
    ]
    timestamp: str
    data: WebhookCue | WebhookPost | WebhookSpeech | WebhookAsk | ChecklistUpdate | CallSummary


def webhook_event(event: OutputEvent, *, now: float) -> WebhookEvent:
    """`now` is in seconds since 1970."""
    at = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")
    match event:
        case Cue():
            shown = WebhookCue(
                call=event.session_id,
                identities=event.identities,
                cue=cue_message(event, now=now),
            )
            return WebhookEvent(type="cue.shown", timestamp=at, data=shown)
        case AskedTool():
            asked = WebhookAsk(
                call=event.session_id,
                reply=event.reply_id,
                chunk=event.seq,
                tool=event.tool,
                arguments=dict(event.arguments),
                speaker=event.speaker,
                outcome=event.outcome,
                by=event.by,
                waited_s=event.waited_s,
            )
            return WebhookEvent(type="tool.asked", timestamp=at, data=asked)
        case ChecklistUpdate():
            return WebhookEvent(type="checklist.updated", timestamp=at, data=event)
        case CallSummary():
            fitted = fitting(event, MOST_SUMMARY_BYTES)
            return WebhookEvent(type="call.summary", timestamp=at, data=fitted)
        case Spoken():
            spoken = WebhookSpeech(
                call=event.session_id,
                reply=event.reply_id,
                chunk=event.seq,
                emotion=event.emotion,
                text=event.text,
                heard_chars=event.heard_chars,
                interrupted=event.interrupted,
            )
            return WebhookEvent(type="reply.spoken", timestamp=at, data=spoken)
        case Posted():
            posted = WebhookPost(
                call=event.session_id,
                reply=event.reply_id,
                chunk=event.seq,
                emotion=event.emotion,
                text=event.text,
                end=event.reason,
                category=event.category,
                sources=event.sources,
            )
            return WebhookEvent(type="reply.posted", timestamp=at, data=posted)

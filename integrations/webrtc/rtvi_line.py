"""A call's writing end in a browser: what is decided, said and shown, as messages."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from interject.agent.cues.checklist import ChecklistUpdate
from interject.agent.cues.summary import CallSummary
from interject.agent.cues.summary_page import fitting
from interject.agent.floor import Verdict
from interject.agent.outputs import Posted, Spoken, Unvoiced
from interject.integrations.webrtc.rtvi import message, refusal
from interject.model_runtime.protocol import Gap, ReplyDelta, ReplyEnded

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.agent.outputs import OutputEvent
    from interject.integrations.conversation.announcement import Notice
    from interject.integrations.conversation.cues import CueMessage
    from interject.integrations.conversation.decision_message import DecisionMessage
    from interject.model_runtime.protocol import Event, ReplyStarted


MOST_SUMMARY_BYTES = 48 << 10
"""Clients take 64 KiB a message, and as JSON in UTF-8 it may be a little longer."""


class RtviLine:
    """A `Line`. RTVI has no word for a decision, a cue or a notice, so those
    are `server-message`s whose `data.type` says what they are.

    A reply is one segment of `bot-output`: new, in progress while it is heard, completed.
    """

    writes = True

    def __init__(self, send: Callable[[str], None]) -> None:
        self._send = send
        self._shown: set[int] = set()
        self._spoken: dict[int, str] = {}
        self._told_chars = 0

    async def emit(self, event: OutputEvent) -> None:
        match event:
            case Spoken():
                self._complete(event)
            case Posted():
                self._post(event)
            case ChecklistUpdate() if event.identities:
                self._tell("checklist", **asdict(event))
            case CallSummary() if event.identities:
                self._tell("summary", **asdict(fitting(event, MOST_SUMMARY_BYTES)))

    async def send_notice(self, notice: Notice, text: str, identities: list[str]) -> None:
        self._tell("notice", notice=notice.value, text=text)

    async def send_cue(self, cue: CueMessage, identities: list[str]) -> None:
        self._tell("cue", **cue.model_dump(mode="json"))

    async def send_decision(self, decision: DecisionMessage) -> None:
        self._tell("decision", **decision.model_dump(mode="json"))

    def on_event(self, event: Event) -> None:
        match event:
            case Gap():
                self._tell("gap", chunk=event.first_seq, count=event.count, reason=event.reason)
            case ReplyDelta() if event.reply_id in self._shown:
                if event.reply_id in self._spoken:
                    self._spoken[event.reply_id] += event.text
                self._send(message("bot-llm-text", {"text": event.text}))
            case ReplyEnded() if event.reply_id in self._shown:
                self._shown.discard(event.reply_id)
                self._send(message("bot-llm-stopped"))
                if not event.text.strip():
                    self._spoken.pop(event.reply_id, None)
                    return
                spoken = event.reply_id in self._spoken
                self._output(event.reply_id, event.text, spoken=spoken, status="new")

    def on_verdict(self, started: ReplyStarted, verdict: Verdict) -> None:
        if verdict is Verdict.SUPPRESS:
            return
        self._shown.add(started.reply_id)
        if verdict is not Verdict.SHOW:
            self._spoken[started.reply_id] = ""
        self._tell(
            "reply",
            reply_id=started.reply_id,
            chunk=started.seq,
            emotion=started.emotion.value,
            cause=started.cause.value,
            spoken=verdict is not Verdict.SHOW,
        )
        self._send(message("bot-llm-started"))

    def progress(self, saying: tuple[int, int] | None) -> None:
        """Which reply is being said, and how many of its characters have been heard by now."""
        if saying is not None and saying[0] in self._spoken:
            self._say(saying[0], self._spoken[saying[0]], saying[1])

    def voice(self, speaking: bool) -> None:
        """The voice begins or ends."""
        self._send(message("bot-started-speaking" if speaking else "bot-stopped-speaking"))

    def refuse(self, reason: str) -> None:
        """Something the client sent is not read."""
        self._send(refusal(reason))

    def _complete(self, event: Spoken) -> None:
        self._say(event.reply_id, event.text, event.heard_chars)
        self._spoken.pop(event.reply_id, None)
        self._told_chars = 0
        self._output(
            event.reply_id,
            event.text,
            spoken=True,
            status="completed",
            heard_chars=event.heard_chars,
        )
        self._tell(
            "heard",
            reply_id=event.reply_id,
            chars=event.heard_chars,
            of=len(event.text),
            interrupted=event.interrupted,
        )

    def _say(self, reply_id: int, text: str, heard_chars: int) -> None:
        """Words that have been heard since the last time."""
        new = text[self._told_chars : heard_chars]
        if not new:
            return
        self._told_chars = heard_chars
        self._send(message("bot-tts-text", {"text": new}))
        self._output(reply_id, text, spoken=True, status="in-progress", heard_chars=heard_chars)

    def _post(self, event: Posted) -> None:
        self._tell(
            "posted",
            reply_id=event.reply_id,
            text=event.text,
            category=event.category,
            sources=event.sources,
            unvoiced=isinstance(event, Unvoiced),
        )

    def _output(
        self, reply_id: int, text: str, *, spoken: bool, status: str, heard_chars: int = 0
    ) -> None:
        progress = {
            "accumulated_text": text[:heard_chars],
            "remaining_text": text[heard_chars:],
        }
        self._send(
            message(
                "bot-output",
                {
                    "text": text,
                    "aggregated_by": "sentence",
                    "segment_id": reply_id,
                    "will_be_spoken": spoken,
                    "spoken_status": status,
                    "spoken_progress": progress,
                },
            )
        )

    def _tell(self, kind: str, /, **fields: object) -> None:
        self._send(message("server-message", {"type": kind, **fields}))

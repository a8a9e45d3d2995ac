"""One JSON object an event, on one line, flushed at once."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any, TextIO

from interject.agent.cues.checklist import ChecklistUpdate
from interject.agent.outputs import Cue
from interject.agent.responder.tools.asked_tool import AskedTool
from interject.agent.soundboard.play_cue import PlayCue
from interject.agent.sourced_reply import sources_of
from interject.cli.output.display import decided_at_s
from interject.cli.process.standard_streams import holds_unicode
from interject.model_runtime.protocol import (
    Closed,
    Decision,
    Gap,
    ReplyDelta,
    ReplyEnded,
    ReplyStarted,
)

if TYPE_CHECKING:
    from interject.agent.outputs import OutputEvent
    from interject.cli.output.display import Summary
    from interject.model_runtime.protocol import Event


class JsonLines:
    """A `Display` for programs. `reply_ended` repeats the ids of the whole reply."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._ascii = not holds_unicode(out)
        self._token_ids: dict[int, list[int]] = {}

    def show(self, event: Event, *, level_dbfs: float) -> None:
        match event:
            case Decision():
                self._write(_decision(event, level_dbfs))
            case ReplyStarted():
                self._token_ids[event.reply_id] = []
                self._write(_started(event))
            case ReplyDelta():
                self._token_ids[event.reply_id].extend(event.token_ids)
                self._write(
                    {
                        "event": "reply_delta",
                        "reply": event.reply_id,
                        "token_ids": list(event.token_ids),
                        "text": event.text,
                    }
                )
            case ReplyEnded():
                self._write(
                    {
                        "event": "reply_ended",
                        "reply": event.reply_id,
                        "token_ids": self._token_ids.pop(event.reply_id, []),
                        "text": event.text,
                        "reason": event.reason,
                        "sources": list(sources_of(event)),
                    }
                )
            case Gap():
                self._write(
                    {
                        "event": "gap",
                        "chunk": event.first_seq,
                        "count": event.count,
                        "reason": event.reason,
                    }
                )
            case Closed():
                self._write({"event": "closed", "reason": event.reason, "detail": event.detail})

    def tell(self, event: OutputEvent) -> None:
        if isinstance(event, PlayCue):
            self._write({**_cue(event), **_play(event)})
        elif isinstance(event, Cue):
            self._write(_cue(event))
        elif isinstance(event, AskedTool):
            self._write(_asked(event))
        elif isinstance(event, ChecklistUpdate):
            self._write({"event": "checklist", **dataclasses.asdict(event)})

    def finish(self, summary: Summary) -> None:
        self._write({"event": "summary", **dataclasses.asdict(summary)})

    def _write(self, fields: dict[str, Any]) -> None:
        self._out.write(json.dumps(fields, ensure_ascii=self._ascii) + "\n")
        self._out.flush()


def _decision(event: Decision, level_dbfs: float) -> dict[str, Any]:
    return {
        "event": "decision",
        "chunk": event.seq,
        "time": round(decided_at_s(event.seq), 3),
        "silent_logit": event.silent_logit,
        "respond_logit": event.respond_logit,
        "p_respond": event.p_respond,
        "decision": "respond" if event.respond else "silent",
        "level_dbfs": round(level_dbfs, 1),
    }


def _started(event: ReplyStarted) -> dict[str, Any]:
    return {
        "event": "reply_started",
        "reply": event.reply_id,
        "chunk": event.seq,
        "time": round(decided_at_s(event.seq), 3),
        "emotion": event.emotion,
        "cause": event.cause,
        "mode": event.mode,
    }


def _cue(event: Cue) -> dict[str, Any]:
    return {
        "event": "cue",
        "id": event.id,
        "category": event.category,
        "priority": event.priority,
        "text": event.text,
        "emotion": event.emotion,
        "chunk": event.chunk,
        "time": round(event.at_s, 3),
        "expiry": round(event.expires_at_s, 3),
        "count": event.count,
        "sources": list(event.sources),
    }


def _asked(event: AskedTool) -> dict[str, Any]:
    return {
        "event": "asked",
        "reply": event.reply_id,
        "chunk": event.seq,
        "time": event.at_s,
        "tool": event.tool,
        "arguments": dict(event.arguments),
        "outcome": event.outcome,
        "waited_s": event.waited_s,
    }


def _play(event: PlayCue) -> dict[str, Any]:
    return {
        "event": "play",
        "action": event.action,
        "sound": event.sound,
        "kind": event.kind,
        "licence": event.licence,
        "credit": event.credit,
        "aloud": event.aloud,
    }

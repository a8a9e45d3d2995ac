"""From what happens in a session to lines of its record, without what its profile does not keep."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from interject.agent.cues.checklist import ChecklistUpdate
from interject.agent.cues.summary import CallSummary
from interject.agent.cues.summary_page import page
from interject.agent.outputs import Cue, Posted, Spoken, rounded, stream_time_s
from interject.agent.privacy.redactor import Redactor
from interject.agent.records.aliases import Aliases, SessionAliases
from interject.agent.records.lines import (
    RecordedArgument,
    RecordedAsk,
    RecordedChecklist,
    RecordedCue,
    RecordedDecision,
    RecordedGap,
    RecordedPost,
    RecordedReply,
    RecordedSpeech,
    RecordedSummary,
    RecordedVoice,
)
from interject.agent.responder.tools.asked_tool import AskedTool

if TYPE_CHECKING:
    from interject.agent.cues.summary import CueRecord, ReplyRecord
    from interject.agent.floor import Verdict
    from interject.agent.outputs import OutputEvent
    from interject.agent.records.lines import RecordLine
    from interject.config import PrivacySettings
    from interject.model_runtime.protocol import Decision, Gap, ReplyEnded, ReplyStarted, Speaker


class LineMaker:
    """What comes here has passed the gate; `without_personal_data` takes out more than it did."""

    def __init__(self, privacy: PrivacySettings, call: str) -> None:
        self._redactor = Redactor(privacy.kept)
        self._whole = privacy.retention == "everything"
        self.name = Aliases(named=self._whole).of
        self._sessions = SessionAliases(call, self.name)
        self.card = self._sessions.in_id

    def decision(self, decision: Decision) -> RecordLine:
        return RecordedDecision(
            session=self._sessions.of(decision.session_id),
            chunk=decision.seq,
            at_s=rounded(stream_time_s(decision.seq)),
            p=round(decision.p_respond, 4),
            respond=decision.respond,
            voices=tuple(map(self._voice, decision.speakers)),
        )

    def gap(self, gap: Gap) -> RecordLine:
        return RecordedGap(
            session=self._sessions.of(gap.session_id),
            chunk=gap.first_seq,
            count=gap.count,
            reason=gap.reason.value,
        )

    def reply(self, started: ReplyStarted, ended: ReplyEnded, verdict: Verdict) -> RecordLine:
        return RecordedReply(
            session=self._sessions.of(started.session_id),
            reply=started.reply_id,
            chunk=started.seq,
            at_s=rounded(stream_time_s(started.seq)),
            cause=started.cause.value,
            emotion=started.emotion.value,
            end=ended.reason.value,
            verdict=verdict.value,
            text=self._text(ended.text),
        )

    def output(self, event: OutputEvent) -> RecordLine:
        match event:
            case Spoken():
                return self._speech(event)
            case Posted():
                return RecordedPost(
                    session=self._sessions.of(event.session_id),
                    reply=event.reply_id,
                    at_s=rounded(event.at_s),
                    text=self._text(event.text),
                )
            case Cue():
                return self._cue(event)
            case AskedTool():
                return self._ask(event)
            case ChecklistUpdate():
                return RecordedChecklist(items=event.items, ticked=event.ticked, over=event.over)
            case CallSummary():
                return RecordedSummary(summary=self._summary(event))

    def _text(self, text: str) -> str:
        text = self._redactor.text(text)
        return text if self._whole else Redactor.without_last(text)

    def _voice(self, speaker: Speaker) -> RecordedVoice:
        return RecordedVoice(name=self.name(speaker.identity), dbfs=round(speaker.level_dbfs, 1))

    def _speech(self, event: Spoken) -> RecordedSpeech:
        """Where more is taken out, what was heard is counted in what is left."""
        return RecordedSpeech(
            session=self._sessions.of(event.session_id),
            reply=event.reply_id,
            at_s=rounded(event.at_s),
            text=self._text(event.text),
            heard_chars=len(self._text(event.text[: event.heard_chars])),
            interrupted=event.interrupted,
        )

    def _cue(self, cue: Cue) -> RecordedCue:
        return RecordedCue(
            id=self._card_of(cue),
            category=cue.category,
            priority=cue.priority,
            chunk=cue.chunk,
            at_s=rounded(cue.at_s),
            expires_at_s=rounded(cue.expires_at_s),
            text=self._text(cue.text),
            count=cue.count,
            identities=tuple(map(self.name, cue.identities)),
        )

    def _ask(self, asked: AskedTool) -> RecordedAsk:
        return RecordedAsk(
            session=self._sessions.of(asked.session_id),
            reply=asked.reply_id,
            at_s=asked.at_s,
            tool=asked.tool,
            arguments=tuple(
                RecordedArgument(name=self._text(name), value=self._text(value))
                for name, value in asked.arguments
            ),
            speaker=self._named(asked.speaker),
            outcome=asked.outcome.value,
            by=self._named(asked.by),
            waited_s=asked.waited_s,
        )

    def _card_of(self, cue: Cue) -> str:
        self._sessions.of(cue.session_id)
        return self.card(cue.id)

    def _reply_of(self, reply: ReplyRecord) -> ReplyRecord:
        session, text = self._sessions.of(reply.session), self._text(reply.text)
        return replace(reply, session=session, text=text)

    def _cue_of(self, cue: CueRecord) -> CueRecord:
        sources = tuple(map(self._text, cue.sources))
        return replace(cue, id=self.card(cue.id), text=self._text(cue.text), sources=sources)

    def _named(self, name: str) -> str:
        """Who is not known stays so."""
        return name and self.name(name)

    def _summary(self, summary: CallSummary) -> CallSummary:
        """Its page names people, so it is written anew."""
        kept = replace(
            summary,
            replies=tuple(map(self._reply_of, summary.replies)),
            cues=tuple(map(self._cue_of, summary.cues)),
            talk=tuple(replace(one, speaker=self.name(one.speaker)) for one in summary.talk),
            asks=tuple(
                replace(one, call=self._text(one.call), by=self._named(one.by))
                for one in summary.asks
            ),
            identities=tuple(map(self.name, summary.identities)),
        )
        return replace(kept, markdown=page(kept))

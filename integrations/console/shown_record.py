"""A record as people may see it in the console: people's numbers masked, as while it went on.

The file itself keeps what its profile lets be kept; `interject records export` writes that.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from interject.agent.cues.summary_page import page
from interject.agent.records.aliases import SessionAliases
from interject.agent.records.lines import (
    RecordedAsk,
    RecordedCue,
    RecordedCueState,
    RecordedDecision,
    RecordedSummary,
)
from interject.agent.records.session_record import OF_A_SESSION
from interject.integrations.console.shown_names import ShownNames

if TYPE_CHECKING:
    from interject.agent.cues.summary import CallSummary
    from interject.agent.records.lines import RecordLine
    from interject.agent.records.session_record import SessionRecord


def shown(record: SessionRecord) -> SessionRecord:
    masks = _Masks("" if record.begun is None else record.begun.call)
    return replace(record, lines=tuple(map(masks.line, record.lines)))


class _Masks:
    """Of one record. A session and its cards may be named by whom it hears."""

    def __init__(self, call: str) -> None:
        self._name = ShownNames().of
        self._sessions = SessionAliases(call, self._name)

    def line(self, line: RecordLine) -> RecordLine:
        if isinstance(line, OF_A_SESSION | RecordedAsk):
            line = line.model_copy(update={"session": self._sessions.of(line.session)})
        match line:
            case RecordedDecision(voices=voices) if voices:
                named = tuple(
                    one.model_copy(update={"name": self._name(one.name)}) for one in voices
                )
                return line.model_copy(update={"voices": named})
            case RecordedAsk(speaker=speaker) if speaker:
                return line.model_copy(update={"speaker": self._name(speaker)})
            case RecordedCue(id=card, identities=identities):
                seen = {"id": self._sessions.in_id(card), "identities": self._names(identities)}
                return line.model_copy(update=seen)
            case RecordedCueState(id=card):
                return line.model_copy(update={"id": self._sessions.in_id(card)})
            case RecordedSummary(summary=summary):
                return line.model_copy(update={"summary": self._summary(summary)})
            case _:
                return line

    def _names(self, identities: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(self._name, identities))

    def _summary(self, summary: CallSummary) -> CallSummary:
        """Its page names people, so it is written anew."""
        sessions = self._sessions
        named = replace(
            summary,
            replies=tuple(replace(r, session=sessions.of(r.session)) for r in summary.replies),
            cues=tuple(replace(one, id=sessions.in_id(one.id)) for one in summary.cues),
            talk=tuple(replace(one, speaker=self._name(one.speaker)) for one in summary.talk),
            identities=self._names(summary.identities),
        )
        return replace(named, markdown=page(named))

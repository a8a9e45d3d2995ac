"""A record as people may see it in the console: people's numbers masked, as while it went on.

The file itself keeps what its profile lets be kept; `interject records export` writes that.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from interject.agent.cues.summary_page import page
from interject.agent.records.lines import RecordedCue, RecordedDecision, RecordedSummary
from interject.integrations.console.shown_names import ShownNames

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.agent.cues.summary import CallSummary
    from interject.agent.records.lines import RecordLine
    from interject.agent.records.session_record import SessionRecord


def shown(record: SessionRecord) -> SessionRecord:
    name = ShownNames().of
    return replace(record, lines=tuple(_line(line, name) for line in record.lines))


def _line(line: RecordLine, name: Callable[[str], str]) -> RecordLine:
    match line:
        case RecordedDecision(voices=voices) if voices:
            named = tuple(one.model_copy(update={"name": name(one.name)}) for one in voices)
            return line.model_copy(update={"voices": named})
        case RecordedCue(identities=identities):
            return line.model_copy(update={"identities": tuple(map(name, identities))})
        case RecordedSummary(summary=summary):
            return line.model_copy(update={"summary": _summary(summary, name)})
        case _:
            return line


def _summary(summary: CallSummary, name: Callable[[str], str]) -> CallSummary:
    """Its page names people, so it is written anew."""
    named = replace(
        summary,
        talk=tuple(replace(one, speaker=name(one.speaker)) for one in summary.talk),
        identities=tuple(map(name, summary.identities)),
    )
    return replace(named, markdown=page(named))

"""Of a kept session people see no telephone number, wherever a line of it names somebody."""

from __future__ import annotations

import pytest

from interject.agent.records.export import as_json
from interject.agent.records.lines import (
    LINE,
    RecordBegun,
    RecordedAsk,
    RecordedDecision,
    RecordedReply,
    RecordedVoice,
)
from interject.agent.records.session_record import RecordHead, RecordState, SessionRecord
from interject.integrations.console.shown_record import shown

NUMBER = "+49301234567"
EAR = f"call-{NUMBER}"
SHOWN = f"{'*' * 10}67"
LINES = (
    RecordedDecision(
        session=EAR, chunk=1, at_s=0.4, p=0.1, respond=True,
        voices=(RecordedVoice(name=NUMBER, dbfs=-20.0),),
    ),
    RecordedReply(
        session=EAR, reply=0, chunk=1, at_s=0.4, cause="model", emotion="normal", end="complete",
        verdict="speak", text="Yes.",
    ),
    RecordedAsk(
        session=EAR, reply=0, at_s=0.4, tool="refund", arguments=(), speaker=NUMBER,
        outcome="allowed", by="Ada", waited_s=1.0,
    ),
)  # fmt: skip


def record() -> SessionRecord:
    begun = RecordBegun(
        id="r", call="call", profile="p", began=1.0, retention="everything", lifetime_h=1.0,
        threshold=0.5, audio=False,
    )  # fmt: skip
    head = RecordHead("r", RecordState.ENDED, "call", "p", 1.0, 1.0, 9.0, "everything", False, 1)
    return SessionRecord(head, begun, LINES)


def test_no_line_of_a_record_shows_a_number() -> None:
    seen = shown(record())
    assert NUMBER not in as_json(seen).decode()
    decision, reply, ask = seen.lines
    assert isinstance(decision, RecordedDecision)
    assert isinstance(reply, RecordedReply)
    assert isinstance(ask, RecordedAsk)
    assert (decision.session, reply.session, ask.session) == (f"call-{SHOWN}",) * 3
    assert (decision.voices[0].name, ask.speaker) == (SHOWN, SHOWN)


@pytest.mark.parametrize("kind", ["cue", "cue_state"])
def test_a_card_that_is_named_by_whom_it_is_for_is_masked_too(kind: str) -> None:
    card = {
        "cue": {
            "category": "c", "priority": 1, "chunk": 1, "at_s": 0.4, "expires_at_s": 9.0,
            "text": "t", "count": 1, "identities": (NUMBER,),
        },
        "cue_state": {"state": "dismissed", "by": "Ada", "time": 1.0},
    }[kind]  # fmt: skip
    line = LINE.validate_python({"type": kind, "id": f"{EAR}-0", **card})
    whole = record()
    seen = shown(SessionRecord(whole.head, whole.begun, (*LINES, line)))
    assert f'"id": "call-{SHOWN}-0"' in as_json(seen).decode()
    assert NUMBER not in as_json(seen).decode()

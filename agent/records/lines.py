"""What a record is made of: one of these is a line of its file. `at_s` is stream time."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from interject.agent.cues.checklist import ChecklistItem
from interject.agent.cues.summary import CallSummary
from interject.config.privacy import RetentionName
from interject.config.strict import StrictModel

LATEST = 253_402_300_799.0
"""Seconds since 1970, in the year 9999: no calendar goes on."""
MOST_S = 1e10
MOST_NUMBER = 2**53 - 1
"""JavaScript counts no further."""
EpochSeconds = Annotated[float, Field(ge=0, le=LATEST)]
Seconds = Annotated[float, Field(ge=-MOST_S, le=MOST_S)]
WholeNumber = Annotated[int, Field(ge=-MOST_NUMBER, le=MOST_NUMBER)]


class RecordBegun(StrictModel):
    """The first line. `began` is in seconds since 1970; `audio`: what was heard is kept as well."""

    type: Literal["begun"] = "begun"
    id: str
    call: str
    profile: str
    began: EpochSeconds
    retention: RetentionName
    lifetime_h: float = Field(gt=0, le=87_600)
    threshold: float
    audio: bool


class RecordedVoice(StrictModel):
    name: str
    dbfs: float


class RecordedDecision(StrictModel):
    """Of one chunk: P(respond), and how loud each was."""

    type: Literal["decision"] = "decision"
    session: str
    chunk: WholeNumber
    at_s: Seconds
    p: float
    respond: bool
    voices: tuple[RecordedVoice, ...] = ()


class RecordedGap(StrictModel):
    type: Literal["gap"] = "gap"
    session: str
    chunk: WholeNumber
    count: WholeNumber
    reason: str


class RecordedReply(StrictModel):
    """`verdict` is what the floor made of it when it began."""

    type: Literal["reply"] = "reply"
    session: str
    reply: WholeNumber
    chunk: WholeNumber
    at_s: Seconds
    cause: str
    emotion: str
    end: str
    verdict: str
    text: str


class RecordedSpeech(StrictModel):
    """What was heard of a reply that was said: its first `heard_chars` characters."""

    type: Literal["speech"] = "speech"
    session: str
    reply: WholeNumber
    at_s: Seconds
    text: str
    heard_chars: WholeNumber
    interrupted: bool


class RecordedPost(StrictModel):
    type: Literal["post"] = "post"
    session: str
    reply: WholeNumber
    at_s: Seconds
    text: str


class RecordedCue(StrictModel):
    """A card as it was shown to `identities`; the same `id` again is the same card once more."""

    type: Literal["cue"] = "cue"
    id: str
    category: str
    priority: WholeNumber
    chunk: WholeNumber
    at_s: Seconds
    expires_at_s: Seconds
    text: str
    count: WholeNumber
    identities: tuple[str, ...]


class RecordedCueState(StrictModel):
    """What somebody did with a card: `time` is in seconds since 1970."""

    type: Literal["cue_state"] = "cue_state"
    id: str
    state: str
    by: str
    time: EpochSeconds


class RecordedArgument(StrictModel):
    name: str
    value: str


class RecordedAsk(StrictModel):
    """An operator was asked whether a tool may run. `outcome`: `allowed`, `denied`, `unanswered`,
    `absent` (nobody was there to ask) or `withdrawn` (the reply was cut). `waited_s` is how long it
    took, `speaker` whose words led to it.
    """

    type: Literal["ask"] = "ask"
    session: str
    reply: WholeNumber
    at_s: Seconds
    tool: str
    arguments: tuple[RecordedArgument, ...]
    speaker: str
    outcome: str
    by: str
    waited_s: Seconds


class RecordedChecklist(StrictModel):
    type: Literal["checklist"] = "checklist"
    items: tuple[ChecklistItem, ...]
    ticked: tuple[str, ...]
    over: bool


class RecordedSummary(StrictModel):
    type: Literal["summary"] = "summary"
    summary: CallSummary


class RecordEnded(StrictModel):
    """The last line, unless the process died. `left_out` lines did not fit into the file."""

    type: Literal["ended"] = "ended"
    seconds: Seconds
    left_out: WholeNumber = 0


RecordLine = (
    RecordBegun | RecordedDecision | RecordedGap | RecordedReply | RecordedSpeech | RecordedPost
    | RecordedCue | RecordedCueState | RecordedAsk | RecordedChecklist | RecordedSummary
    | RecordEnded
)  # fmt: skip
LINE: TypeAdapter[RecordLine] = TypeAdapter(Annotated[RecordLine, Field(discriminator="type")])

"""What a record is made of: one of these is a line of its file. `at_s` is stream time."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from interject.agent.cues.checklist import ChecklistItem
from interject.agent.cues.summary import CallSummary
from interject.config.privacy import RetentionName
from interject.config.strict import StrictModel


class RecordBegun(StrictModel):
    """The first line. `began` is in seconds since 1970; `audio`: what was heard is kept as well."""

    type: Literal["begun"] = "begun"
    id: str
    call: str
    profile: str
    began: float
    retention: RetentionName
    lifetime_h: float
    threshold: float
    audio: bool


class RecordedVoice(StrictModel):
    name: str
    dbfs: float


class RecordedDecision(StrictModel):
    """Of one chunk: P(respond), and how loud each was."""

    type: Literal["decision"] = "decision"
    session: str
    chunk: int
    at_s: float
    p: float
    respond: bool
    voices: tuple[RecordedVoice, ...] = ()


class RecordedGap(StrictModel):
    type: Literal["gap"] = "gap"
    session: str
    chunk: int
    count: int
    reason: str


class RecordedReply(StrictModel):
    """`verdict` is what the floor made of it when it began."""

    type: Literal["reply"] = "reply"
    session: str
    reply: int
    chunk: int
    at_s: float
    cause: str
    emotion: str
    end: str
    verdict: str
    text: str


class RecordedSpeech(StrictModel):
    """What was heard of a reply that was said: its first `heard_chars` characters."""

    type: Literal["speech"] = "speech"
    session: str
    reply: int
    at_s: float
    text: str
    heard_chars: int
    interrupted: bool


class RecordedPost(StrictModel):
    type: Literal["post"] = "post"
    session: str
    reply: int
    at_s: float
    text: str


class RecordedCue(StrictModel):
    """A card as it was shown to `identities`; the same `id` again is the same card once more."""

    type: Literal["cue"] = "cue"
    id: str
    category: str
    priority: int
    chunk: int
    at_s: float
    expires_at_s: float
    text: str
    count: int
    identities: tuple[str, ...]


class RecordedCueState(StrictModel):
    """What somebody did with a card: `time` is in seconds since 1970."""

    type: Literal["cue_state"] = "cue_state"
    id: str
    state: str
    by: str
    time: float


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
    seconds: float
    left_out: int = 0


RecordLine = (
    RecordBegun | RecordedDecision | RecordedGap | RecordedReply | RecordedSpeech | RecordedPost
    | RecordedCue | RecordedCueState | RecordedChecklist | RecordedSummary | RecordEnded
)  # fmt: skip
LINE: TypeAdapter[RecordLine] = TypeAdapter(Annotated[RecordLine, Field(discriminator="type")])

"""What happens in a session, as messages. Each says of which session it is."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from interject.agent.cues.checklist import ChecklistUpdate
from interject.agent.cues.summary import CallSummary
from interject.agent.floor import Verdict
from interject.config.strict import StrictModel
from interject.integrations.console.wish_view import WishView
from interject.integrations.conversation.decision_message import DecisionMessage
from interject.integrations.web.living_cards import CueCard
from interject.model_runtime.protocol import Cause, Emotion, GapReason

if TYPE_CHECKING:
    from collections.abc import Iterable


class ChunkMoment(StrictModel):
    """400 ms were decided. `ear` is whose, where each speaker is heard by an ear of his own."""

    type: Literal["chunk"] = "chunk"
    session: str
    ear: str
    threshold: float
    decision: DecisionMessage


class GapMoment(StrictModel):
    """`count` chunks from `chunk` on were not decided. `time` is seconds since 1970."""

    type: Literal["gap"] = "gap"
    session: str
    ear: str
    chunk: int
    count: int
    reason: GapReason
    time: float


class ReplyStage(StrEnum):
    """`over`: no more of it will be heard or read."""

    GROWING = "growing"
    WHOLE = "whole"
    OVER = "over"


class ReplyMoment(StrictModel):
    """A reply as it is now: the same `ear` and `reply` again replace it.

    `time` is when it began, `first_text_s` how long after that it had text, and `ended` when it was
    over. Of `text` the first
    `heard_chars` characters were heard, or read where it is not `spoken`.
    """

    type: Literal["reply"] = "reply"
    session: str
    ear: str
    reply: int
    chunk: int
    time: float
    emotion: Emotion
    cause: Cause
    verdict: Verdict
    stage: ReplyStage = ReplyStage.GROWING
    text: str = ""
    heard_chars: int = 0
    interrupted: bool = False
    first_text_s: float | None = None
    ended: float | None = None

    @property
    def spoken(self) -> bool:
        return self.verdict not in (Verdict.SHOW, Verdict.SUPPRESS)


class CardMoment(StrictModel):
    """A cue card as it is now: the same `card.cue.id` again replaces it."""

    type: Literal["card"] = "card"
    session: str
    card: CueCard


class WishMoment(StrictModel):
    """A tool that needs an operator's yes, as it is now: the same `wish.id` again replaces it."""

    type: Literal["wish"] = "wish"
    session: str
    wish: WishView


class ChecklistMoment(StrictModel):
    """The whole list as it is now."""

    type: Literal["checklist"] = "checklist"
    session: str
    checklist: ChecklistUpdate


class SummaryMoment(StrictModel):
    """The session is over, and this is what it was."""

    type: Literal["summary"] = "summary"
    session: str
    summary: CallSummary


Moment = Annotated[
    ChunkMoment
    | GapMoment
    | ReplyMoment
    | CardMoment
    | WishMoment
    | ChecklistMoment
    | SummaryMoment,
    Field(discriminator="type"),
]


class _AnyMoment(BaseModel):
    """As much of one as says that it is one."""

    type: Literal["chunk", "gap", "reply", "card", "wish", "checklist", "summary"]
    session: str


_MOMENTS: TypeAdapter[_AnyMoment | list[_AnyMoment]] = TypeAdapter(_AnyMoment | list[_AnyMoment])


def are_moments_of(session_id: str, texts: Iterable[str]) -> bool:
    """Whether each text is one, or a list of them, all of that session. Another version's may
    have other fields.
    """
    try:
        read = [_MOMENTS.validate_json(text) for text in texts]
    except ValidationError:
        return False
    flat = [one for found in read for one in (found if isinstance(found, list) else [found])]
    return all(one.session == session_id for one in flat)

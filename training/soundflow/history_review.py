"""A question that only an earlier part of the stream answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from interject.config.strict import StrictModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.training.soundflow.stream_script import ScriptedTurn

LEAST_ROUNDS = 3
"""So many rounds lie between what is asked about and the question, itself included."""
LATEST = 2
"""Nothing of so many last turns may answer it."""
GIVEAWAYS = (
    "as you mentioned", "as i mentioned", "you mentioned", "as you said", "you said earlier",
    "as i said", "earlier you", "as we discussed", "remember when",
)  # fmt: skip
Text = Annotated[str, Field(min_length=1, max_length=2_000)]


class HistoryReview(StrictModel):
    """As published: what is asked, what is right, and which turn (from 0) it is known from."""

    question: Text
    reference_answer: Text
    reference_turn_idx: Annotated[int, Field(ge=0)]


def objections(
    review: HistoryReview, entity: str, turns: Sequence[ScriptedTurn], at: int
) -> list[str]:
    """Which published rules it breaks when it is asked before turn `at`; none of a good one."""
    reference = review.reference_turn_idx
    if reference >= at:
        return ["asks about what comes later"]
    rounds = sum(bool(turn.assistant) for turn in turns[reference:at])
    latest = turns[max(0, at - LATEST) : at]
    spoken = f"{review.question} {review.reference_answer}".casefold()
    name = entity.casefold()
    found = []
    if rounds < LEAST_ROUNDS:
        found.append(f"asks about {rounds} rounds before, fewer than {LEAST_ROUNDS}")
    if not name.strip() or name not in turns[reference].user.casefold():
        found.append("its entity is not in the turn that it is about")
    if name not in review.reference_answer.casefold():
        found.append("its entity is not in the answer")
    if name in review.question.casefold():
        found.append("the question holds its answer")
    if any(name in f"{turn.user} {turn.assistant}".casefold() for turn in latest):
        found.append(f"the last {LATEST} turns answer it")
    if any(phrase in spoken for phrase in GIVEAWAYS):
        found.append("says that it was mentioned")
    return found

"""Who thinks of a question about what was said before: rules, or a language model."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from interject.config.strict import StrictModel
from interject.training.endpoints.answer_cache import AnswerCache
from interject.training.endpoints.chat_endpoint import ChatEndpoint, Question
from interject.training.endpoints.failures import UnusableAnswer
from interject.training.endpoints.http_endpoint import HttpEndpoint
from interject.training.endpoints.settings import EndpointSettings
from interject.training.soundflow.history_review import (
    GIVEAWAYS,
    LATEST,
    LEAST_ROUNDS,
    HistoryReview,
    Text,
    objections,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.training.soundflow.stream_script import ScriptedTurn
    from interject.training.sounds.waves import Rng

MOST_ASKED = 2
"""How often a model may think again, told which published rules it broke."""


class HistoryReviewer(Protocol):
    def review(self, turns: Sequence[ScriptedTurn], rng: Rng) -> HistoryReview | None:
        """To be asked behind these turns. None: the published rules leave no good one."""


class RuleReviewer:
    """Asks about a fact that a text brings with its question and its answer."""

    def review(self, turns: Sequence[ScriptedTurn], rng: Rng) -> HistoryReview | None:
        good = []
        for number, turn in enumerate(turns):
            if turn.fact is None:
                continue
            review = HistoryReview(
                question=turn.fact.question, reference_answer=turn.fact.answer,
                reference_turn_idx=number,
            )  # fmt: skip
            if not objections(review, turn.fact.entity, turns, len(turns)):
                good.append(review)
        return good[int(rng.integers(len(good)))] if good else None


class GroundedReview(HistoryReview):
    """What a model is asked for: a review with the words that it is about."""

    entity: Text


_ROLE = "You write questions about the earlier part of a conversation, to test its memory."
_TASK = f"""Below is a conversation, one numbered turn a line. Write one question that the user \
asks at its end, and the answer. It must be answerable only from something the user said in one \
turn with at least {LEAST_ROUNDS} answered turns from there on, not from common knowledge and not \
from the last {LATEST} turns. reference_turn_idx: that turn's number. entity: the one word or name \
that answers the question, copied letter by letter from that turn; it stands in reference_answer, \
and not in question. Never say that it was mentioned (such as {", ".join(GIVEAWAYS[:3])}).
"""


class ModelReviewer:
    """A language model held to the published rules. `by_rules` counts where it did not manage."""

    def __init__(self, chat: ChatEndpoint, rules: HistoryReviewer) -> None:
        self._chat, self._rules = chat, rules
        self.by_rules = 0

    def review(self, turns: Sequence[ScriptedTurn], rng: Rng) -> HistoryReview | None:
        """:raises EndpointFailure: when the server cannot be used."""
        if sum(bool(turn.assistant) for turn in turns) < LEAST_ROUNDS:
            return None
        text = _TASK + "\n".join(
            f"{number}. user: {turn.user} | assistant: {turn.assistant or '(silent)'}"
            for number, turn in enumerate(turns)
        )
        for _ in range(MOST_ASKED):
            try:
                found = self._chat.ask(Question(_ROLE, text), GroundedReview)
            except UnusableAnswer:
                break
            faults = objections(found, found.entity, turns, len(turns))
            if not faults:
                return HistoryReview.model_validate(found.model_dump(exclude={"entity"}))
            text += f"\n\nThis one is not good: {found.model_dump_json()} {'; '.join(faults)}."
        self.by_rules += 1
        return self._rules.review(turns, rng)


class EndpointReviewer(StrictModel):
    """A language model that asks about any conversation, where the rules need texts with facts."""

    endpoint: EndpointSettings
    cache: Text


@dataclass(frozen=True, slots=True)
class ChosenReviewer:
    """Opened once a process, when it is needed."""

    choice: EndpointReviewer | None = None

    def review(self, turns: Sequence[ScriptedTurn], rng: Rng) -> HistoryReview | None:
        """:raises EndpointFailure: when the server cannot be used."""
        reviewer = RuleReviewer() if self.choice is None else _opened(self.choice)
        return reviewer.review(turns, rng)


@functools.cache
def _opened(choice: EndpointReviewer) -> HistoryReviewer:
    chat = ChatEndpoint(HttpEndpoint(choice.endpoint), AnswerCache(Path(choice.cache)))
    return ModelReviewer(chat, RuleReviewer())

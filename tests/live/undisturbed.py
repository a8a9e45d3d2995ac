"""What one engine says about what rooms heard, when nothing is killed.

Over an hour a million tokens are drawn, and now and then two of them are as likely as each other.
Then rounding decides, which depends on what else an engine computes at once. There, and only there,
this one may be told to choose otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.engine.ledger import Eviction
from interject.model_runtime.engine.stream import log_odds
from tests.model_runtime.worlds import small_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from interject.model_runtime.engine.feed import Feed
    from interject.model_runtime.engine.stream import Stream

    Work = Sequence[tuple[Stream, Feed]]

TIE = 2e-3
"""Logits are about 10. Engines that compute different rows at once differ by up to 5e-4."""
DECISION, EMOTION = "decision", "emotion"

Place = tuple[str | int, int]
"""A frame's decision, a reply's emotion, or the token of a reply at a place."""


@dataclass(frozen=True)
class Choice:
    """`chosen` was, and not its `rival`."""

    chosen: int
    rival: int


@dataclass
class Choices:
    """`wanted` are those to be made if their rivals are as good; `made` were."""

    wanted: dict[Place, Choice] = field(default_factory=dict)
    made: set[Place] = field(default_factory=set)


class Undisturbed(Engine):
    """`choices` belong to sessions by id; two whose logits differ by less than `tie` are as good.

    Its own choice may be the wanted one: another time, with other rows beside it, it was not.
    """

    def __init__(self, *, slots: int, tie: float = TIE) -> None:
        super().__init__(small_model(256), slots=slots, eviction=Eviction.EXACT)
        self.choices: dict[str, Choices] = {}
        self._tie = tie

    def _decide(self, work: Work, hidden: Tensor) -> None:
        first = 0
        silence, respond = self._decision_ids.tolist()
        for stream, feed in work:
            for block, end in enumerate(feed.block_ends):
                place = DECISION, stream.hearing.queue[block].frame.seq
                wanted = self._wanted(stream, place)
                if wanted is not None:
                    margin = log_odds(stream.options.threshold) * (1 if wanted.chosen else -1)
                    tokens = silence, respond
                    of_tokens = Choice(tokens[wanted.chosen], tokens[wanted.rival])
                    self._choose(stream, place, hidden[first + end], of_tokens, margin)
            first += len(feed.ids)
        super()._decide(work, hidden)

    def _draw(self, work: Work, hidden: Tensor) -> None:
        first = 0
        for stream, feed in work:
            first += len(feed.ids)
            reply = stream.reply
            if not feed.wants_token or reply is None:
                continue
            place: Place = (reply.reply_id, len(reply.tokens))
            if feed.emotion:
                place = (EMOTION, reply.reply_id)
            wanted = self._wanted(stream, place)
            if wanted is not None:
                self._choose(stream, place, hidden[first - 1], wanted, 0.0)
        super()._draw(work, hidden)

    def _wanted(self, stream: Stream, place: Place) -> Choice | None:
        return self.choices[stream.options.session_id].wanted.get(place)

    def _choose(
        self, stream: Stream, place: Place, row: Tensor, wanted: Choice, margin: float
    ) -> None:
        """Move the hidden state by next to nothing, so that what was chosen leads by `margin`."""
        head = self.model.decoder.head.weight
        towards = head[wanted.chosen] - head[wanted.rival]
        missing = margin - float(row @ towards)
        if abs(missing) < self._tie:
            row += towards * ((missing + self._tie) / float(towards @ towards))
            self.choices[stream.options.session_id].made.add(place)

"""Cue cards that have not expired, and what people have done with them."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import Field, SerializeAsAny

from interject.config.strict import StrictModel
from interject.integrations.conversation.cues import CueMessage

if TYPE_CHECKING:
    from collections.abc import Callable, Container

MOST_CARDS = 512
MOST_NAME_CHARS = 40


class CardMark(StrEnum):
    """What somebody says of a card: he sees to it, or nobody need look at it any more."""

    ACKNOWLEDGED = "acknowledged"
    DISMISSED = "dismissed"


class CueCard(StrictModel):
    """A cue on a screen: of which call, and for whom. `by` is the name that whoever marked it has
    given himself, if any.
    """

    call: str
    identities: tuple[str, ...]
    cue: SerializeAsAny[CueMessage]
    mark: CardMark | None = Field(default=None, strict=False)
    by: str = ""


class LivingCards:
    """The same id again replaces the card. It keeps its mark, unless its cue has become more
    important than the one that was marked.
    """

    def __init__(
        self, most: int = MOST_CARDS, *, wall_clock: Callable[[], float] = time.time
    ) -> None:
        self._most = most
        self._wall_clock = wall_clock
        self._cards: dict[str, CueCard] = {}

    def put(self, card: CueCard) -> CueCard:
        """The card as it is to be shown."""
        former = self._cards.pop(card.cue.id, None)
        if former is not None and former.cue.priority >= card.cue.priority:
            card = card.model_copy(update={"mark": former.mark, "by": former.by})
        self._cards[card.cue.id] = card
        self._cards = {one.cue.id: one for one in self.living()[-self._most :]}
        return card

    def mark(self, cue_id: str, mark: CardMark, by: str = "") -> CueCard | None:
        """None: there is no such card, or no longer."""
        card = self._cards.get(cue_id)
        if card is None or card.cue.expiry <= self._wall_clock():
            return None
        marked = card.model_copy(update={"mark": mark, "by": by})
        self._cards[cue_id] = marked
        return marked

    def forget(self, calls: Container[str]) -> int:
        """How many cards of these calls there were."""
        gone = [card.cue.id for card in self._cards.values() if card.call in calls]
        for card_id in gone:
            del self._cards[card_id]
        return len(gone)

    def living(self) -> list[CueCard]:
        now = self._wall_clock()
        return [card for card in self._cards.values() if card.cue.expiry > now]

"""The last minutes of a session, for whoever begins to follow it."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from interject.integrations.console.moments import CardMoment, ChecklistMoment
from interject.integrations.web.living_cards import LivingCards

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydantic import BaseModel

    from interject.integrations.console.moments import ReplyMoment, SummaryMoment, WishMoment

MOST_CHUNKS = 750
"""Five minutes, where one ear hears all."""
MOST_REPLIES = 100
MOST_CARDS = 100
MOST_WISHES = 100

ReplyKey = tuple[str, int]
Key = TypeVar("Key")
Kept = TypeVar("Kept")


@dataclass(slots=True)
class SessionHistory:
    """Chunks and gaps are kept as they were sent."""

    session: str
    wall_clock: Callable[[], float] = time.time
    chunks: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_CHUNKS))
    replies: dict[ReplyKey, ReplyMoment] = field(default_factory=dict)
    wishes: dict[str, WishMoment] = field(default_factory=dict)
    checklist: ChecklistMoment | None = None
    summary: SummaryMoment | None = None
    cards: LivingCards = field(init=False)

    def __post_init__(self) -> None:
        self.cards = LivingCards(MOST_CARDS, wall_clock=self.wall_clock)

    def keep(self, reply: ReplyMoment) -> None:
        _keep(self.replies, (reply.ear, reply.reply), reply, MOST_REPLIES)

    def keep_wish(self, moment: WishMoment) -> None:
        _keep(self.wishes, moment.wish.id, moment, MOST_WISHES)

    def moments(self) -> str:
        """All of it, as a list in JSON."""
        others = (one.model_dump_json() for one in self._others())
        return f"[{','.join((*self.chunks, *others))}]"

    def _others(self) -> Iterator[BaseModel]:
        yield from self.replies.values()
        for card in self.cards.living():
            yield CardMoment(session=self.session, card=card)
        yield from self.wishes.values()
        yield from (one for one in (self.checklist, self.summary) if one is not None)


def _keep(kept: dict[Key, Kept], key: Key, one: Kept, most: int) -> None:
    """The oldest goes where there are too many."""
    if key not in kept and len(kept) >= most:
        del kept[next(iter(kept))]
    kept[key] = one

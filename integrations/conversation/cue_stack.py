"""The cue cards of one call that have not expired: whose they are, and which there is."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from interject.agent.outputs import Cue

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.agent.outputs import OutputEvent

MOST_CARDS = 256
ENDINGS = " .!?…"


class CueStack:
    """A sound that goes on, or somebody who says a thing twice, is worth one card that counts, not
    two: a cue with the words of one that has not expired takes its id and is that card again, with
    the greater priority and a new life. `addressees` is asked anew for each, and may name nobody.
    """

    def __init__(
        self, addressees: Callable[[], list[str]], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._addressees = addressees
        self._clock = clock
        self._cards: dict[tuple[str, str], tuple[Cue, float]] = {}

    def add(self, event: OutputEvent) -> OutputEvent:
        """Whatever is no cue comes back as it is."""
        if not isinstance(event, Cue):
            return event
        now = self._clock()
        words = " ".join(event.text.casefold().split()).rstrip(ENDINGS)
        former, until = self._cards.pop((event.category, words), (event, now))
        cue = event if until <= now else _again(former, event)
        cue = replace(cue, identities=tuple(self._addressees()))
        self._forget_expired(now)
        self._cards[event.category, words] = (cue, now + cue.expires_at_s - cue.at_s)
        return cue

    def _forget_expired(self, now: float) -> None:
        living = [(key, card) for key, card in self._cards.items() if card[1] > now]
        self._cards = dict(living[1 - MOST_CARDS :])


def _again(former: Cue, cue: Cue) -> Cue:
    weightier = max(cue, former, key=lambda one: one.priority)
    return replace(
        cue,
        id=former.id,
        count=former.count + 1,
        priority=weightier.priority,
        emotion=weightier.emotion,
    )

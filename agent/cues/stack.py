"""The cue cards of one call that have not expired, and which came again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.agent.outputs import Cue

MOST_CARDS = 256
ENDINGS = " .!?…"


class CueStack:
    """A sound that goes on, or somebody who says a thing twice, is worth one card that counts, not
    two: a cue with the words of one that has not expired takes its id and is that card again, with
    the greater priority and a new life. `clock` is in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._cards: dict[tuple[str, str], tuple[Cue, float]] = {}

    def holds(self, cue: Cue) -> bool:
        """Whether its card is being shown."""
        return self._clock() < self._cards.get(_key(cue), (cue, 0.0))[1]

    def add(self, cue: Cue) -> Cue:
        now = self._clock()
        former = self._cards.pop(_key(cue), (cue, 0.0))
        added = _again(former[0], cue) if now < former[1] else cue
        living = [(key, card) for key, card in self._cards.items() if card[1] > now]
        self._cards = dict(living[1 - MOST_CARDS :])
        self._cards[_key(cue)] = (added, now + cue.expires_at_s - cue.at_s)
        return added


def _key(cue: Cue) -> tuple[str, str]:
    return cue.category, " ".join(cue.text.casefold().split()).rstrip(ENDINGS)


def _again(former: Cue, cue: Cue) -> Cue:
    weightier = max(cue, former, key=lambda one: one.priority)
    return replace(
        cue,
        id=former.id,
        count=former.count + 1,
        priority=weightier.priority,
        emotion=weightier.emotion,
    )

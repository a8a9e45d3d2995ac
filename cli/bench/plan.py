"""What load is put on a runtime, and what it must stand to count as carried."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

P99_LIMIT_MS = 100.0
LIMIT_MS = 400.0
CAPACITY_S = 600.0
"""A capacity is claimed for runs of at least this length."""
SPOKEN_TOKENS_PER_S = 5.0
"""How fast a voice says tokens: what a reply of n tokens counts as in the talk plan."""
FIRST_REPLY_TOKENS = 10
ARRIVAL_S = 16.0
"""Longer than from one tidying of a slot of nano to the next: they fall due at different times."""


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """`talk` is the share of the time that replies take. What is due in the first `warm_up_s`
    is sent but not measured. Sessions are `in_phase` for the worst case, else they come at random
    times of the first quarter, as calls do, and of the first `ARRIVAL_S` at most.
    """

    sessions: int
    talk: float = 0.0
    seconds: float = 60.0
    warm_up_s: float = 4.0
    in_phase: bool = False
    max_reply_tokens: int = 24

    @property
    def arrival_s(self) -> float:
        """All sessions have begun by then."""
        return 0.0 if self.in_phase else min(ARRIVAL_S, self.seconds / 4)


class TalkPlan:
    """When a session is made to reply, so that the share is kept on average."""

    def __init__(self, talk: float, draw: random.Random) -> None:
        self._talk = talk
        self._draw = draw
        self._answer_at = float("inf")

    def said(self, tokens: int, now: float) -> None:
        """A reply of so many tokens is over: the next one comes so much later."""
        if self._talk > 0:
            mean_s = max(tokens, 1) / SPOKEN_TOKENS_PER_S / self._talk
            self._answer_at = now + self._draw.uniform(0.5, 1.5) * mean_s

    def is_due(self, now: float) -> bool:
        """Whether to ask for a reply now; asked once, it waits for that reply."""
        if now < self._answer_at:
            return False
        self._answer_at = float("inf")
        return True

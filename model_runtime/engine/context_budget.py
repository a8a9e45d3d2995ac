"""How the positions of a slot are shared out, so that what comes next always fits.

The prefix has a quarter, and so has every span behind it but a clip. Of a full slot half stays: the
prefix, and the newest spans up to a quarter. Into the other half goes whatever is fed next, which
is no longer than a quarter again, and an eighth is still free for a reply.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import RuntimeFailure

if TYPE_CHECKING:
    from interject.model_runtime.network.architecture import TowerShape

AROUND_TEXT = 4
"""In the span of a typed turn or of a reply: the control before it, and three that steer."""


def least_context(tower: TowerShape) -> int:
    """The fewest positions with which a chunk, and the token that begins a reply to it, have a
    quarter.
    """
    return 4 * (tower.chunk_positions + 1)


@dataclass(frozen=True, slots=True)
class ContextBudget:
    """`context` is how many positions a slot has."""

    context: int

    @property
    def span(self) -> int:
        """The longest that a prefix, a turn or a reply may be in the slot."""
        return self.context // 4

    @property
    def text(self) -> int:
        """The most tokens of a typed turn or of a reply."""
        return self.span - AROUND_TEXT

    @property
    def kept(self) -> int:
        """What stays of a full slot, at most."""
        return self.context // 2

    @property
    def reserve(self) -> int:
        """What is kept free for a reply."""
        return self.context // 8

    def check(self, tower: TowerShape) -> None:
        """:raises RuntimeFailure: when a slot is too small for any session."""
        least = least_context(tower)
        if self.context < least:
            raise RuntimeFailure(
                f"this model remembers {self.context} positions, "
                f"a session takes at least {least}: use another checkpoint"
            )

"""Noticing within a fraction of a second that somebody talks over the agent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.integrations.audio.ranges import DBFS, within

if TYPE_CHECKING:
    from interject.integrations.audio.block import Block

SPEECH_DBFS = -40.0
"""As loud as somebody who speaks."""


@dataclass(slots=True)
class TalkOver:
    """Asked about every block while the agent is heard: shall it stop for this?

    Yes, once somebody was at least `level_dbfs` loud for `hold_ms`; pauses count backwards.
    A frame of 400 ms is too coarse for it: speech has to stop within 300 ms.

    :raises ValueError: when one of them is out of its range.
    """

    level_dbfs: float = SPEECH_DBFS
    hold_ms: float = 120.0
    _loud_ms: float = 0.0

    def __post_init__(self) -> None:
        within("level_dbfs", self.level_dbfs, *DBFS)
        within("hold_ms", self.hold_ms, 0, 10_000)

    def __call__(self, block: Block) -> bool:
        passed_ms = block.duration_s * 1_000.0
        loud = block.level_dbfs >= self.level_dbfs
        self._loud_ms = max(0.0, self._loud_ms + (passed_ms if loud else -passed_ms))
        return self._loud_ms >= self.hold_ms

    def cuts(self, block: Block, *, speaking: bool) -> bool:
        """The same of any block: only what is said while the agent is heard counts, and each time
        from the beginning.
        """
        over = speaking and self(block)
        if over or not speaking:
            self._loud_ms = 0.0
        return over


def fresh_talk_over(barge_in: bool | TalkOver | None) -> TalkOver | None:
    """One for each session, since it remembers. None: nothing cuts the agent."""
    policy = TalkOver() if barge_in is True else barge_in
    if not policy:
        return None
    return TalkOver(level_dbfs=policy.level_dbfs, hold_ms=policy.hold_ms)

"""What streams are made of, in shares: the switches of an ablation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Ablation(StrEnum):
    """What a run can do without, to see what it is good for: a share that becomes zero."""

    NATURAL = "natural"
    RECORDED = "recorded"
    SHOUTED = "shouted"
    LONE = "lone"
    LINE = "line"


@dataclass(frozen=True, slots=True)
class StockShares:
    """How often what is drawn, from 0 to 1.

    Of the talk that asks nothing `near_miss` is close to a request, `own` the agent's own sentences
    and `shouted` overdriven as a cry for help is. After `echo` of the replies the agent hears what
    it said. `natural` of the speech is in natural voices, `recorded` of the sounds, backgrounds and
    talk are recordings, where there are any. `lone` of the streams are of that style, `line` come
    through a telephone line. `alarms` of the sounds to speak up about stay, the others give way to
    ordinary ones, of which `unnamed` are of no class. `odd` of the talk that asks nothing is far
    too fast or too slow.
    """

    near_miss: float = 0.25
    own: float = 0.0
    echo: float = 0.0
    natural: float = 0.5
    recorded: float = 0.5
    shouted: float = 0.0
    lone: float = 0.0
    line: float = 0.0
    alarms: float = 1.0
    unnamed: float = 0.0
    odd: float = 0.0

    def without(self, left_out: Iterable[Ablation]) -> StockShares:
        return replace(self, **dict.fromkeys(left_out, 0.0))

"""How many sessions a card was measured to decide for in time: memory may have room for more."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from interject.model_runtime.engine.ledger import Eviction
from interject.model_runtime.network.architecture import DecoderShape

if TYPE_CHECKING:
    from interject.model_runtime.cuda import Card
    from interject.model_runtime.network.architecture import ModelConfig


@dataclass(frozen=True, slots=True)
class MeasuredLoad:
    """Sessions of the released shape in bfloat16, with each eviction; None: not measured."""

    exact: int | None = None
    rotate: int | None = None

    def of(self, eviction: Eviction) -> int | None:
        """With this one."""
        return self.exact if eviction is Eviction.EXACT else self.rotate


MEASURED = {"H200": MeasuredLoad(exact=512, rotate=1_000), "H100": MeasuredLoad(exact=440)}
"""From docs/gpu.md. By a word of the card's name."""


def measured_load(card: Card, config: ModelConfig) -> MeasuredLoad:
    """What is known of a card for a model with the released shape, whatever its slots. One whose
    embeddings are grouped computes less, so it keeps up with as many at least.
    """
    shape = DecoderShape()
    if replace(config.decoder, context=shape.context) != shape:
        return MeasuredLoad()
    return next((load for name, load in MEASURED.items() if name in card.name), MeasuredLoad())

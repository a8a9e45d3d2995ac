"""What one engine says about what rooms heard, when nothing is killed.

Over an hour a million tokens are drawn, and now and then two of them are as likely as each other.
Then rounding decides, which depends on what else an engine computes at once. There, and only there,
this one may be told to choose otherwise.
"""

from __future__ import annotations

from interject.model_runtime.engine.ledger import Eviction
from interject.model_runtime.engine.near_tie import GuidedEngine
from interject.model_runtime.rounding import model_terms, near_tie_lead
from tests.model_runtime.worlds import SMALL_CONDITION, small_model

LOGITS = 10.0
"""How large they are."""
CONTEXT = 256


def tie() -> float:
    """The lead that rounding may turn round."""
    terms = model_terms(small_model(CONTEXT).config)
    return near_tie_lead(LOGITS, terms=terms, condition=SMALL_CONDITION)


class ReferenceEngine(GuidedEngine):
    """Of the rooms' own kind."""

    def __init__(self, *, slots: int, tie: float) -> None:
        model = small_model(CONTEXT)
        super().__init__(model, slots=slots, eviction=Eviction.EXACT, tie=tie)

"""Whether a passage that speaks of the same things says the same of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.agent.notes.numerals import numbers
from interject.agent.notes.words import is_negated

if TYPE_CHECKING:
    from interject.agent.notes.passage import Passage


def says(passage: Passage, claim: str) -> bool:
    """No proof, but two things that a search for words does not see: every number of the claim
    stands in the passage, and either both deny something or neither does.
    """
    text = f"{passage.source.heading} {passage.text}"
    return numbers(claim) <= numbers(text) and is_negated(claim) == is_negated(passage.text)

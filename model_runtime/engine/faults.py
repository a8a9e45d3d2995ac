"""What can go wrong with one session alone, which then ends while the others go on.

A device that fails, or has no memory left, is everybody's affair and not among it.
"""

from __future__ import annotations

import math

OWN_FAULTS = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)
"""What a session's own state raises when it contradicts itself."""


def check_finite(*logits: float) -> None:
    """:raises FloatingPointError: when what the model computed is no number."""
    if not all(map(math.isfinite, logits)):
        raise FloatingPointError("the model computed something that is not a number")


def failure(error: Exception) -> str:
    """What the session's owner is told; the log has the rest."""
    if isinstance(error, FloatingPointError):
        return str(error)
    return f"the session failed ({type(error).__name__}); see the log"

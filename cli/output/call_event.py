"""Something that was noticed of a call."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class CallEvent:
    """A `TimedEvent`."""

    at_s: float
    event: str
    fields: dict[str, Any] = field(default_factory=dict)

"""One part of this machine, as `doctor` found it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Whether a part is there; `OPTIONAL` is missing, but only some uses need it."""

    OK = "ok"
    OPTIONAL = "optional"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Finding:
    """One part: its state, what was found, and the command that mends it."""

    part: str
    state: State
    detail: str
    remedy: str = ""

    @property
    def blocks(self) -> bool:
        return self.state is State.MISSING

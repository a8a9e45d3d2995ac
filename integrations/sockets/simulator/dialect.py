"""How one platform puts a call into messages, from its own side."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

Wire = str | bytes


@dataclass(frozen=True, slots=True)
class SpeechHeard:
    """Speech, in samples at the dialect's rate."""

    samples: NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was not played yet is not to be."""


@dataclass(frozen=True, slots=True)
class Marked:
    """To be given back once everything before it was played."""

    name: str


@dataclass(frozen=True, slots=True)
class ServerText:
    """Anything else that the server says."""

    kind: str
    fields: Mapping[str, Any] = field(default_factory=dict)


class Dialect(Protocol):
    """Sound goes out in blocks of 20 ms at `rate_hz`, and comes back at `heard_rate_hz`."""

    rate_hz: int
    heard_rate_hz: int

    @property
    def is_over(self) -> bool:
        """Whether the server has said all that is waited for after `closing`."""
        return True

    def opening(self) -> list[Wire]:
        """Before any sound."""
        ...

    def sound(self, blocks: Mapping[str, NDArray[np.int16]]) -> list[Wire]:
        """20 ms of each track that has some."""
        ...

    def take(self, message: Wire) -> SpeechHeard | Forgotten | Marked | ServerText:
        """:raises ValueError: for what the platform does not accept."""
        ...

    def played(self, name: str) -> list[Wire]:
        """A mark was reached."""
        ...

    def closing(self) -> list[Wire]:
        """Before the socket is closed."""
        ...

"""A session as the engine's thread has it, and what it hands out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import Closed

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.model_runtime.engine.recall import AnyDeed
    from interject.model_runtime.protocol import SessionOptions
    from interject.model_runtime.remote import wire


@dataclass(frozen=True, slots=True)
class Batch:
    """What a session did since its last batch, to be written all at once.

    A `snapshot` makes every earlier journal, and all input before `keep_from`, superfluous.
    """

    key: str
    epoch: int
    outputs: tuple[wire.Output, ...]
    cursor: str
    journal: bytes = b""
    snapshot: bytes = b""
    keep_from: str = ""
    closed: bool = False
    last: bool = False


@dataclass(slots=True)
class Guest:
    """A session in the engine's thread. `cursor` is the last input that was taken in.

    `has_news` is called whenever there is something to hand out.
    """

    key: str
    epoch: int
    options: SessionOptions
    cursor: str
    has_news: Callable[[Guest], None]
    outputs: list[wire.Output] = field(default_factory=list)
    deeds: list[AnyDeed] = field(default_factory=list)
    entries: dict[int, str] = field(default_factory=dict)
    noted: int = 0
    evictions: int = 0
    wants_snapshot: bool = False
    closed: bool = False

    def emit(self, output: wire.Output) -> None:
        self.outputs.append(output)
        self.closed = self.closed or isinstance(output, Closed)
        self.has_news(self)

    def note(self, deed: AnyDeed) -> None:
        self.deeds.append(deed)
        self.has_news(self)

    @property
    def session_id(self) -> str:
        return self.options.session_id

"""A session as the engine's thread has it, and what it hands out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import Closed, CloseReason
from interject.model_runtime.remote import wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.model_runtime.engine.journal import JournalEntry
    from interject.model_runtime.engine.stream import Stream
    from interject.model_runtime.protocol import SessionOptions


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
class EngineSession:
    """A session in the engine's thread. `cursor` is the last input that was taken in.

    The engine calls it by its key: two tenants may have chosen the same id. `has_news` is called
    whenever there is something to hand out. `stream` is the session in it, once it is there.
    """

    key: str
    epoch: int
    options: SessionOptions
    cursor: str
    has_news: Callable[[EngineSession], None]
    outputs: list[wire.Output] = field(default_factory=list)
    deeds: list[JournalEntry] = field(default_factory=list)
    entries: dict[int, str] = field(default_factory=dict)
    noted: int = 0
    evictions: int = 0
    wants_snapshot: bool = False
    closed: bool = False
    stream: Stream | None = None

    def emit(self, output: wire.Output) -> None:
        self.outputs.append(output)
        self.closed = self.closed or isinstance(output, Closed)
        self.has_news(self)

    def answer(self, entry: str, error: str = "") -> None:
        """What became of a request; the end of a session answers the rest."""
        if not self.closed:
            self.emit(wire.Answer(entry, error))

    def end(self, detail: str) -> None:
        """It could not begin, or go on."""
        self.emit(Closed(self.options.session_id, CloseReason.FAILURE, detail))

    def note(self, deed: JournalEntry) -> None:
        self.deeds.append(deed)
        self.has_news(self)

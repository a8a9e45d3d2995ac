"""A session as the engine's thread has it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import Closed, CloseReason
from interject.model_runtime.remote import wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.model_runtime.engine.journal import JournalEntry
    from interject.model_runtime.engine.stream import Stream
    from interject.model_runtime.redis.worker.recovery.restore_pool import PendingRestore


def _nobody() -> None:
    """Nobody waits for its news yet."""


@dataclass(slots=True)
class EngineSession:
    """`cursor` is the last input that was taken in, `places` are the ids of frames' entries.

    The session is `here` from when it has something to hand out until its end was handed out, or
    nobody wants it any more. `stream` is the session in the engine, `restore` on its way there.
    `has_news` is called whenever there is something to hand out.
    """

    session_id: str
    cursor: str
    places: dict[int, str] = field(default_factory=dict)
    here: bool = False
    closed: bool = False
    stream: Stream | None = None
    restore: PendingRestore | None = None
    has_news: Callable[[], None] = _nobody
    outputs: list[wire.Output] = field(default_factory=list)
    journal: list[JournalEntry] = field(default_factory=list)
    noted: int = 0
    evictions: int = 0
    wants_snapshot: bool = False

    def emit(self, output: wire.Output) -> None:
        self.outputs.append(output)
        self.closed = self.closed or isinstance(output, Closed)
        self.has_news()

    def answer(self, entry: str, error: str = "") -> None:
        """What became of a request; the end of a session answers the rest."""
        if not self.closed:
            self.emit(wire.Answer(entry, error))

    def end(self, detail: str) -> None:
        """It could not begin, or go on."""
        self.emit(Closed(self.session_id, CloseReason.FAILURE, detail))

    def note(self, entry: JournalEntry) -> None:
        self.journal.append(entry)
        self.has_news()

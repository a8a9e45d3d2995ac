"""A runtime that works as the one inside it, and keeps all that was said both ways."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from interject.model_runtime.forwarding import ForwardingSession
from interject.model_runtime.protocol import Decision, Gap, ReplyEnded, ReplyStarted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from interject.model_runtime.protocol import (
        Event,
        Frame,
        Runtime,
        RuntimeSession,
        SessionOptions,
    )

Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Cut:
    """A reply of which the model shall remember so many characters."""

    reply_id: int
    heard_chars: int


@dataclass(frozen=True)
class Entry:
    """Something that passed, with its time on the monotonic clock."""

    at_s: float
    what: Any


class RecordingRuntime:
    """`log` holds frames that went in, events that came out, and cuts, in order.

    Without `remembers` there is no log, only the numbers.
    """

    def __init__(self, inner: Runtime, *, remembers: bool = True) -> None:
        self._inner = inner
        self._remembers = remembers
        self.decided = self.replied = self.missed = 0
        self.opened: list[RuntimeSession] = []
        self.log: list[Entry] = []

    async def open(self, options: SessionOptions) -> RuntimeSession:
        session = await self._inner.open(options)
        watched = _RecordingSession(session, self)
        self.opened.append(watched)
        return watched

    async def aclose(self) -> None:
        await self._inner.aclose()

    def note(self, what: object) -> None:
        self.decided += isinstance(what, Decision)
        self.replied += isinstance(what, ReplyEnded)
        self.missed += what.count if isinstance(what, Gap) else 0
        if self._remembers:
            self.log.append(Entry(time.monotonic(), what))

    def found(self, kind: type[Kind]) -> list[Kind]:
        return [entry.what for entry in self.log if isinstance(entry.what, kind)]

    def assert_whole(self) -> None:
        """Every chunk from the first on was decided, in order, and none twice."""
        assert self.found(Gap) == []
        seqs = [decision.seq for decision in self.found(Decision)]
        assert seqs == list(range(len(seqs)))

    def assert_in_order(self) -> None:
        """A reply starts after the chunk that caused it was decided, and ends after its start."""
        settled, open_replies = -1, set()
        for entry in self.log:
            match entry.what:
                case Decision(seq=seq):
                    settled = max(settled, seq)
                case ReplyStarted(seq=seq, reply_id=reply_id):
                    assert seq <= settled
                    open_replies.add(reply_id)
                case ReplyEnded(reply_id=reply_id):
                    open_replies.remove(reply_id)


class _RecordingSession(ForwardingSession):
    def __init__(self, inner: RuntimeSession, watch: RecordingRuntime) -> None:
        super().__init__(inner)
        self._watch = watch

    async def push(self, frame: Frame) -> None:
        self._watch.note(frame)
        await super().push(frame)

    async def cancel(self, reply_id: int, *, heard_chars: int) -> None:
        self._watch.note(Cut(reply_id, heard_chars))
        await super().cancel(reply_id, heard_chars=heard_chars)

    async def events(self) -> AsyncIterator[Event]:
        async for event in super().events():
            self._watch.note(event)
            yield event

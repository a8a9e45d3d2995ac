"""What is to be written of a session, and what was; a write is repeated under its number."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from interject.model_runtime.remote import wire

if TYPE_CHECKING:
    from interject.model_runtime.redis.worker.batch import Batch

KEPT_EVENTS = 256
"""Written events that a Redis which forgot everything is given again."""


@dataclass(frozen=True, slots=True)
class NumberedEvent:
    """An event as it is written. Its number and the epoch are its id in the output stream."""

    number: int
    kind: bytes
    data: bytes
    cursor: str


@dataclass(frozen=True, slots=True)
class Write:
    """What goes into one call of the write script; the number makes a repetition harmless.

    So no other write may have it, not even where this one is given up: it may have been done.
    A `whole` one holds all that a Redis may lack which forgot something.
    """

    number: int
    events: tuple[NumberedEvent, ...]
    journals: tuple[bytes, ...]
    snapshot: bytes
    keep_from: str
    closed: bool
    last: bool
    whole: bool


@dataclass(slots=True)
class OutputLog:
    """`number` is that of the last event, `written` that of the last write, done or not.

    While `held`, nothing is written until a snapshot can go first. Redis `has_journal` entries and
    `has_snapshot` if no write is in flight.
    """

    number: int = 0
    written: int = 0
    held: bool = False
    has_journal: bool = False
    has_snapshot: bool = False
    in_flight: Write | None = None
    _pending: list[tuple[Batch, tuple[NumberedEvent, ...]]] = field(default_factory=list)
    _kept: deque[NumberedEvent] = field(default_factory=deque)

    @property
    def waits(self) -> bool:
        """Whether something was queued while a write was in flight."""
        return bool(self._pending)

    def add(self, batch: Batch) -> None:
        """Number a batch's events and queue them."""
        events: list[NumberedEvent] = []
        for output in batch.outputs:
            self.number += 1
            fields = wire.encode(output)
            events.append(NumberedEvent(self.number, fields[b"k"], fields[b"d"], batch.cursor))
        self._pending.append((batch, tuple(events)))

    def next_write(self) -> Write | None:
        """The write in flight, or all that is queued as one."""
        ready = self._pending and (not self.held or self._can_go_on())
        if self.in_flight is None and ready:
            self.in_flight = self._merge()
            self.held = False
        return self.in_flight

    def settle(self) -> Write:
        """The write in flight, which was done."""
        write = self.in_flight
        assert write is not None, "only a write in flight is settled"
        self._kept.extend(write.events)
        while len(self._kept) > KEPT_EVENTS:
            self._kept.popleft()
        self.has_snapshot = self.has_snapshot or bool(write.snapshot)
        self.has_journal = bool(write.journals) or (self.has_journal and not write.snapshot)
        self.held = self.held and not write.whole
        self.in_flight = None
        return write

    def hold(self) -> None:
        """Redis has forgotten something: write the last events again, behind a snapshot.

        One that is in flight may be the last there is, and an end needs none.
        """
        self.held = True
        write = self.in_flight
        if write is None or write.whole:
            return
        if write.snapshot or write.closed:
            events = (*self._kept, *write.events)
            self.in_flight = replace(write, number=self._next_number(), events=events, whole=True)
            self._kept.clear()
        else:
            self._kept.extend(write.events)
            self.in_flight = None

    def _next_number(self) -> int:
        self.written += 1
        return self.written

    def _can_go_on(self) -> bool:
        return any(batch.snapshot or batch.closed for batch, _ in self._pending)

    def _merge(self) -> Write:
        events = [event for _, numbered in self._pending for event in numbered]
        whole = self.held
        if whole:
            events = [*self._kept, *events]
            self._kept.clear()
        snapshot, keep_from = b"", ""
        journals: list[bytes] = []
        for batch, _ in self._pending:
            if batch.snapshot:
                snapshot, keep_from = batch.snapshot, batch.keep_from
                journals.clear()
            elif batch.journal:
                journals.append(batch.journal)
        closed = any(batch.closed for batch, _ in self._pending)
        last = any(batch.last for batch, _ in self._pending)
        self._pending.clear()
        return Write(
            self._next_number(),
            tuple(events),
            tuple(journals),
            snapshot,
            keep_from,
            closed,
            last,
            whole,
        )

"""A session as its worker's event loop sees it: what has been read, and what is to be written."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from interject.model_runtime.redis.worker.intake import Intake
from interject.model_runtime.remote import wire

if TYPE_CHECKING:
    from interject.model_runtime.protocol import SessionOptions
    from interject.model_runtime.redis.worker.engine_session import Batch

KEPT_EVENTS = 256
"""Written events that a Redis which forgot everything is given again."""


@dataclass(frozen=True, slots=True)
class Numbered:
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
    events: tuple[Numbered, ...]
    journals: tuple[bytes, ...]
    snapshot: bytes
    keep_from: str
    closed: bool
    last: bool
    whole: bool


@dataclass(slots=True)
class Tenant:
    """`epoch` fences what is written. `read_to` is the last input entry that was read.

    `number` is that of the last event, `written` that of the last write, done or not. While `held`,
    nothing is written until a snapshot can go first. `left` says that this worker's last write for
    a session that it hands over was done.
    """

    key: str
    options: SessionOptions
    epoch: int
    read_to: str
    number: int = 0
    written: int = 0
    held: bool = False
    leaving: bool = False
    left: bool = False
    closed: bool = False
    has_journal: bool = False
    has_snapshot: bool = False
    failures: int = 0
    in_flight: Write | None = None
    intake: Intake = field(default_factory=Intake)
    _pending: list[tuple[Batch, tuple[Numbered, ...]]] = field(default_factory=list)
    _kept: deque[Numbered] = field(default_factory=deque)

    @property
    def generation(self) -> int:
        """Which of the session's clients wrote last: they count in the ids of their entries."""
        return max(1, int(self.read_to.partition("-")[0]))

    @property
    def waits(self) -> bool:
        """Whether something was queued while a write was in flight."""
        return bool(self._pending)

    def add(self, batch: Batch) -> None:
        """Number a batch's events and queue them."""
        events: list[Numbered] = []
        for output in batch.outputs:
            self.number += 1
            fields = wire.encode(output)
            events.append(Numbered(self.number, fields[b"k"], fields[b"d"], batch.cursor))
        self._pending.append((batch, tuple(events)))

    def next_write(self) -> Write | None:
        """The write in flight, or all that is queued as one."""
        ready = self._pending and (not self.held or self._can_go_on())
        if self.in_flight is None and ready:
            self.in_flight = self._merge()
            self.held = False
        return self.in_flight

    def settle(self) -> None:
        """The write in flight was done."""
        assert self.in_flight is not None, "only a write in flight is settled"
        self._kept.extend(self.in_flight.events)
        while len(self._kept) > KEPT_EVENTS:
            self._kept.popleft()
        self.closed = self.closed or self.in_flight.closed
        self.left = self.left or self.in_flight.last
        self.has_snapshot = self.has_snapshot or bool(self.in_flight.snapshot)
        self.has_journal = bool(self.in_flight.journals) or (
            self.has_journal and not self.in_flight.snapshot
        )
        self.held = self.held and not self.in_flight.whole
        self.in_flight = None

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

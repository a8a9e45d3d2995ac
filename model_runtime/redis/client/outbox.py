"""What a client has said and may have to say again."""

from __future__ import annotations

from collections import deque
from operator import attrgetter
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import Frame
from interject.model_runtime.remote.outbox_entry import OutboxEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from interject.model_runtime.remote import wire

KEPT_FRAMES = 50
"""Twenty seconds: 0.64 MB a session."""
MAX_UNSENT = 4_096


class Outbox:
    """Entries in order: sent ones are kept until they have been decided, or acknowledged.

    Bounded: the oldest sent frames go first, then the oldest unsent ones, which the model then
    never hears. A worker sees the hole in `seq` and reports it.
    """

    def __init__(self) -> None:
        self._count = 0
        self._unsent: deque[OutboxEntry] = deque()
        self._unsent_frames = 0
        self._kept_frames: deque[OutboxEntry] = deque()
        self._kept_controls: deque[OutboxEntry] = deque()

    def put(self, item: wire.Input) -> int:
        """Queue an entry; returns its number."""
        self._count += 1
        self._unsent.append(OutboxEntry(self._count, item))
        if isinstance(item, Frame):
            self._unsent_frames += 1
            self._shed()
        return self._count

    def unsent(self) -> Sequence[OutboxEntry]:
        """What is to be sent now."""
        return tuple(self._unsent)

    @property
    def full(self) -> bool:
        """Whether far more waits than an outage explains: frames alone cannot fill it."""
        return len(self._unsent) > MAX_UNSENT

    @property
    def undecided(self) -> bool:
        """Whether frames wait for what becomes of them."""
        return bool(self._kept_frames or self._unsent_frames)

    def sent(self, number: int) -> None:
        """Everything up to this entry has reached Redis."""
        while self._unsent and self._unsent[0].number <= number:
            entry = self._unsent.popleft()
            if entry.seq is None:
                self._kept_controls.append(entry)
            else:
                self._unsent_frames -= 1
                self._kept_frames.append(entry)

    def decided(self, seq: int) -> None:
        """Frames up to this one need not be sent again."""
        kept = self._kept_frames
        while kept and (kept[0].seq or 0) <= seq:
            kept.popleft()

    def acknowledged(self, number: int) -> None:
        """Controls up to this entry need not be sent again."""
        kept = self._kept_controls
        while kept and kept[0].number <= number:
            kept.popleft()

    def send_again(self) -> None:
        """Redis may have forgotten what was sent."""
        kept = sorted((*self._kept_frames, *self._kept_controls), key=attrgetter("number"))
        self._unsent.extendleft(reversed(kept))
        self._unsent_frames += len(self._kept_frames)
        self._kept_frames.clear()
        self._kept_controls.clear()

    def begin_again(self, wanted: Callable[[wire.Input], bool]) -> dict[int, int]:
        """Everything that is still wanted goes into a new stream; returns the new numbers."""
        self.send_again()
        entries = [entry for entry in self._unsent if wanted(entry.item)]
        self._unsent = deque(OutboxEntry(n, entry.item) for n, entry in enumerate(entries, 1))
        self._unsent_frames = sum(entry.seq is not None for entry in entries)
        self._count = len(entries)
        return {entry.number: n for n, entry in enumerate(entries, 1)}

    def _shed(self) -> None:
        while len(self._kept_frames) + self._unsent_frames > KEPT_FRAMES:
            if self._kept_frames:
                self._kept_frames.popleft()
            else:
                self._unsent.remove(next(x for x in self._unsent if x.seq is not None))
                self._unsent_frames -= 1

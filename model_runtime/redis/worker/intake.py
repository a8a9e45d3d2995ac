"""One session's input as its worker reads it: rubbish is counted, answered and skipped."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.model_runtime.names import shown
from interject.model_runtime.remote import wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from interject.model_runtime.redis.streams import Entries

ENTRIES_A_READ = 8
"""Of each stream. Entries should be 13 KB, but a client may write any size that Redis takes."""
BYTES_A_READ = 131_072
MOST_A_READ = 128
"""Of entries that cannot be read, so that what stands behind them does not wait for long."""
LOG_EVERY_S = 10.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Refused:
    """An entry that cannot be read. A control of a known kind was `asked`: its client is told."""

    error: str
    asked: bool


class Intake:
    """`read_to` is the last entry that was read. `hurry` is how many to read next at once: 0
    unless the last ones were rubbish. `refused` counts all that could not be read.
    """

    def __init__(self, read_to: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.read_to = read_to
        self.hurry = 0
        self.refused = 0
        self._clock = clock
        self._logged_at = -math.inf
        self._unlogged = 0

    @property
    def generation(self) -> int:
        """Which of the session's clients wrote last: they count in the ids of their entries."""
        return max(1, int(self.read_to.partition("-")[0]))

    def take(
        self, session: str, page: Entries, *, asked_for: int
    ) -> Iterator[tuple[str, wire.Input | Refused]]:
        """Each entry's id, and what it holds. `session` is its key."""
        before = self.refused
        for entry, fields in page:
            self.read_to = entry
            try:
                yield entry, wire.decode_input(fields)
            except wire.WireError as error:
                self.refused += 1
                self._log(shown(session), str(error))
                yield entry, Refused(str(error), fields.get(b"k") in wire.CONTROL_KINDS)
        rubbish = self.refused - before > len(page) // 2
        self.hurry = _affordable(page) if rubbish and len(page) >= asked_for else 0

    def _log(self, session: str, reason: str) -> None:
        """The first of them, and then one now and again: a client may write any number."""
        self._unlogged += 1
        now = self._clock()
        if now < self._logged_at + LOG_EVERY_S:
            return
        logger.warning(
            "input refused",
            extra={"session": session, "reason": reason, "count": self._unlogged},
        )
        self._logged_at, self._unlogged = now, 0


def _affordable(page: Entries) -> int:
    """More of what is small."""
    size = sum(len(name) + len(value) for _, fields in page for name, value in fields.items())
    return max(ENTRIES_A_READ, min(MOST_A_READ, BYTES_A_READ * len(page) // max(1, size)))

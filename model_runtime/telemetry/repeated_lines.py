"""Nobody fills a disk by doing again and again what is worth a line in the log."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

MOST_ALIKE = 20
WITHIN_S = 10.0
KINDS = 1_024
"""Those that were seen least lately are forgotten first."""


@dataclass(slots=True)
class _Kind:
    began_at: float
    shown: int = 0
    left_out: int = 0


class RepeatedLines(logging.Filter):
    """A filter for handlers. Lines are alike whose place, message, call and session are. Of more
    than `MOST_ALIKE` within `WITHIN_S` the rest is left out; the next one says in `count` for how
    many it stands.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._kinds: OrderedDict[Hashable, _Kind] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        kind = self._kind(record)
        if kind.shown >= MOST_ALIKE:
            kind.left_out += 1
            return False
        kind.shown += 1
        if kind.left_out and not hasattr(record, "count"):
            record.count = kind.left_out + 1
        kind.left_out = 0
        return True

    def _kind(self, record: logging.LogRecord) -> _Kind:
        fields = vars(record)
        key = (record.pathname, record.lineno, fields.get("call"), fields.get("session"))
        now = self._clock()
        kind = self._kinds.setdefault(key, _Kind(now))
        self._kinds.move_to_end(key)
        if len(self._kinds) > KINDS:
            self._kinds.popitem(last=False)
        if now - kind.began_at >= WITHIN_S:
            kind.began_at, kind.shown = now, 0
        return kind

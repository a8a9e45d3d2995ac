"""A call in the log: its beginning, its end, and which line is of it."""

from __future__ import annotations

import contextlib
import logging
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

    from interject.integrations.conversation.announcement import Participant
    from interject.integrations.conversation.metrics import ConversationMetrics

logger = logging.getLogger(__name__)

_CALL: ContextVar[str] = ContextVar("call")


@contextlib.contextmanager
def lines_of(call_id: str) -> Iterator[None]:
    """What is logged meanwhile, here and in tasks that begin here."""
    token = _CALL.set(call_id)
    try:
        yield
    finally:
        _CALL.reset(token)


def name_call(record: logging.LogRecord) -> bool:
    """A filter for handlers: it gives the field `call` to each line that lacks it."""
    if (call_id := _CALL.get(None)) is not None and not hasattr(record, "call"):
        record.call = call_id
    return True


@contextlib.contextmanager
def counted(
    people: MutableMapping[str, Participant], door: str, metrics: ConversationMetrics
) -> Iterator[None]:
    """One call, and who is there when it ends has left it, too."""
    metrics.rooms.inc()
    logger.info("A call begins", extra={"door": door})
    try:
        yield
    finally:
        metrics.rooms.dec()
        metrics.departures.inc(len(people))
        people.clear()
        logger.info("A call is over", extra={"door": door})

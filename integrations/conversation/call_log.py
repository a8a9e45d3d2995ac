"""Which call a log line is of, also where whoever logs it knows of no calls."""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterator

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

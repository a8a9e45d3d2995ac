"""A responder's warnings, for whoever sits at the terminal: there is no log to look into."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from interject.cli.process.failures import complain
from interject.model_runtime.telemetry.logs import TextFormatter

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Complaints(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        complain(self.format(record))


@contextmanager
def responder_complaints() -> Iterator[None]:
    """Each a line, with why."""
    logger, complaints = logging.getLogger("interject.agent.responder"), _Complaints()
    complaints.setLevel(logging.WARNING)
    complaints.setFormatter(TextFormatter("note: %(message)s"))
    logger.addHandler(complaints)
    try:
        yield
    finally:
        logger.removeHandler(complaints)

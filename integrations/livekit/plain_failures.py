"""A runtime that cannot be used is one line in the log, without a traceback through our code."""

from __future__ import annotations

import logging

from interject.model_runtime.protocol import RuntimeFailure


class PlainFailures(logging.Filter):
    """For LiveKit's logger, which writes a traceback of whatever ends a session."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, RuntimeFailure):
            record.exc_info = record.exc_text = None
            record.msg, record.args = f"{record.getMessage()}: {error}", ()
        return True

"""LiveKit's own lines, without words that somebody said and without needless tracebacks."""

from __future__ import annotations

import logging

from interject.integrations.livekit.jobs.log_privacy import PERSONAL, PII_PREFIX
from interject.model_runtime.protocol import RuntimeFailure

NAMES = frozenset(PII_PREFIX + name for name in PERSONAL)


class LogFilter(logging.Filter):
    """For LiveKit's logger. It marks names and words alike as personal; the words are taken out.

    Where our code stood when a runtime could not be used tells nobody anything.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        for name in [name for name in vars(record) if name.startswith(PII_PREFIX)]:
            if name not in NAMES:
                delattr(record, name)
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, RuntimeFailure):
            record.exc_info = record.exc_text = None
            record.msg, record.args = f"{record.getMessage()}: {error}", ()
        return True

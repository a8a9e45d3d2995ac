"""What a server would log, as a person reads it."""

from __future__ import annotations

import contextlib
import io
import logging
from typing import TYPE_CHECKING

from interject.integrations.conversation.call_log import name_call
from interject.model_runtime.telemetry.logs import TEXT_FORMAT, TextFormatter

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def log_lines() -> Iterator[list[str]]:
    """Complete when it is left."""
    out, logger = io.StringIO(), logging.getLogger("interject")
    handler, level = logging.StreamHandler(out), logger.level
    handler.setFormatter(TextFormatter(TEXT_FORMAT))
    handler.addFilter(name_call)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    lines: list[str] = []
    try:
        yield lines
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        lines += out.getvalue().splitlines()

"""Telling those who listen to a realtime session, whatever they make of it."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from livekit.agents import llm

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)


class Emitter:
    """A listener's mistake must not end the listening."""

    def __init__(self, emit: Callable[..., None], *, label: str) -> None:
        self._emit = emit
        self._label = label

    def __call__(self, name: Any, *payload: object) -> None:
        try:
            self._emit(name, *payload)
        except Exception as error:
            logger.warning(
                "A listener failed",
                extra={"event_name": str(name), "error_type": type(error).__name__},
            )

    def error(self, error: Exception, *, recoverable: bool) -> None:
        told = llm.RealtimeModelError(
            timestamp=time.time(), label=self._label, error=error, recoverable=recoverable
        )
        self("error", told)

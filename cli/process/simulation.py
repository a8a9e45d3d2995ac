"""Running a command that plays somebody's side of a call."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from interject.cli.process.signals import StopSignals

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

LINGER_S = 5.0
"""An answer to the end of a sound comes within this time."""


def run_simulation(simulate: Callable[[StopSignals], Coroutine[None, None, int]]) -> int:
    """The exit code of what it returns, or of the signal that stopped it."""
    for name in ("httpx", "websockets"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with StopSignals() as signals:
        code = asyncio.run(simulate(signals))
        return signals.exit_code() or code

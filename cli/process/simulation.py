"""Running a command that plays somebody's side of a call."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from interject.cli.process.signals import StopSignals

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

LINGER_S = 5.0
"""An answer to the end of a sound comes within this time."""


def run_simulation(simulate: Callable[[StopSignals], Coroutine[None, None, int]]) -> int:
    """The exit code of what it returns, or of the signal that stopped it."""
    for name in ("httpx", "websockets"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with StopSignals() as signals:
        code = asyncio.run(simulate(signals))
        return signals.exit_code() or code


async def until_left(
    talk: asyncio.Task[Any], others: Iterable[asyncio.Task[Any]], seconds: float | None
) -> None:
    """Whoever asks for `seconds` stays so long, though all is said; one of the others ends it."""
    waits = [*others] if seconds is not None else [talk, *others]
    await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)

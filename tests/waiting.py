"""Waiting for what others do by themselves."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_S = 120.0
"""A loaded machine may take this long for what normally takes a moment; it only ends a test."""


async def until(
    condition: Callable[[], object], what: str = "this", *, every_s: float = 0.01
) -> None:
    """Wait for something to become true.

    :raises AssertionError: when it does not.
    """
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        await asyncio.sleep(every_s)

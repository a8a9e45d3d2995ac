"""Work of somebody else's code that may raise, hang, or not let itself be cancelled."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Coroutine

logger = logging.getLogger(__name__)


async def ended_well(work: Coroutine[None, None, None], *, within_s: float) -> bool:
    """Whether it returned in time. Only the caller's own cancellation is ever raised."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=within_s)
    finally:
        task.cancel()
    return await stopped(task, within_s=within_s)


async def stopped(task: asyncio.Task[None], *, within_s: float) -> bool:
    """Cancel a task and wait for its end; whether it had returned before.

    One that swallows its cancellation is left behind: to wait for it would be to hang as well.
    """
    task.cancel()
    await asyncio.wait({task}, timeout=within_s)
    if not task.done():
        logger.error("A task does not end when it is cancelled", extra={"task": task.get_name()})
        return False
    if task.cancelled():
        return False
    if (error := task.exception()) is not None:
        logger.warning(
            "Playing failed",
            extra={"task": task.get_name(), "error_type": type(error).__name__},
        )
    return error is None

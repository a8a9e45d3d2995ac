"""Threads for functions that may never come back."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from interject.agent.responder.tools.tool import ToolFailure

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_RUNNING = 16


class ToolThreads:
    """Of one function. The process' own threads, which everything shares, are left alone, and the
    end of the process waits for none of these.
    """

    def __init__(self, most: int = MOST_RUNNING) -> None:
        self._free = threading.BoundedSemaphore(most)

    async def run(self, function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
        """:raises ToolFailure: when too many calls have not come back."""
        if not self._free.acquire(blocking=False):
            raise ToolFailure("too many calls of it have not come back yet")
        found: Future[Any] = Future()
        found.set_running_or_notify_cancel()
        context = contextvars.copy_context()

        def work() -> None:
            try:
                found.set_result(context.run(lambda: function(**arguments)))
            except BaseException as error:
                found.set_exception(error)
            finally:
                self._free.release()

        threading.Thread(target=work, name="tool", daemon=True).start()
        return await asyncio.wrap_future(found)

"""What asyncio says, each time with a traceback, where no connection can be taken."""

from __future__ import annotations

import errno
import logging
from typing import TYPE_CHECKING, Any

from interject.integrations.web.log_throttle import LogThrottle

if TYPE_CHECKING:
    import asyncio

logger = logging.getLogger(__name__)

EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


def quieten_accept_errors(loop: asyncio.AbstractEventLoop) -> None:
    """Have them counted in one line now and then. It tries again by itself, every second. This is
    the loop's for good, so it is for the program that owns the loop.
    """
    throttle = LogThrottle(clock=loop.time)

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not (isinstance(error, OSError) and error.errno in EXHAUSTED and "socket" in context):
            loop.default_exception_handler(context)
        elif count := throttle.note():
            logger.error(
                "Connections cannot be taken: no descriptors are left",
                extra={"error_code": error.errno, "count": count},
            )

    loop.set_exception_handler(handle)

"""Replies that were asked for and have not begun yet."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from interject.model_runtime.protocol import RuntimeFailure

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.integrations.conversation.runtime_connection import Command, RuntimeConnection
    from interject.model_runtime.protocol import Cause, RuntimeSession

MAX_WAITING = 64

A = TypeVar("A")
"""What a platform calls the beginning of a reply."""


@dataclass(slots=True, eq=False)
class ReplyRequest(Generic[A]):
    """`future` is who waits for the reply, if anybody does.

    `said_already` marks words that the voice has spoken without the model: it only has to
    remember them. `dropped`: nobody wants the reply any more.
    """

    future: asyncio.Future[A] | None = None
    said_already: bool = False
    dropped: bool = False

    @property
    def abandoned(self) -> bool:
        return self.dropped or (self.future is not None and self.future.done())

    def fail(self, error: Exception) -> None:
        if self.future is not None and not self.future.done():
            self.future.set_exception(error)


class ReplyRequests(Generic[A]):
    """A runtime answers requests of one cause in the order in which they were made.

    A reply has to begin within `timeout_s` of the moment when the runtime was told. `error` makes
    the platform's own exception of a reason.
    """

    def __init__(
        self,
        connection: RuntimeConnection,
        *,
        timeout_s: float,
        error: Callable[[str], Exception],
    ) -> None:
        self._connection = connection
        self._timeout_s = timeout_s
        self._error = error
        self._waiting: dict[Cause, deque[ReplyRequest[A]]] = {}

    def ask(self, cause: Cause, command: Command) -> asyncio.Future[A]:
        """For somebody who waits for the reply."""
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self.add(cause, ReplyRequest(future), command)
        return future

    def add(self, cause: Cause, request: ReplyRequest[A], command: Command) -> None:
        """Raise an `error` when too many wait already."""
        line = self._waiting.setdefault(cause, deque())
        if len(line) >= MAX_WAITING:
            raise self._error(f"{MAX_WAITING} requests wait for an answer already: ask less often")
        loop = asyncio.get_running_loop()
        too_late = self._error(f"no reply began within {self._timeout_s:g} s")

        async def send(session: RuntimeSession) -> None:
            loop.call_later(self._timeout_s, request.fail, too_late)
            try:
                await command(session)
            except RuntimeFailure as error:
                if request in line:
                    line.remove(request)
                request.fail(self._error(str(error)))
                raise

        self._connection.command(send)
        line.append(request)

    def take(self, cause: Cause) -> ReplyRequest[A] | None:
        """The request that a reply of this cause answers; none for the model's own replies."""
        line = self._waiting.get(cause)
        return line.popleft() if line else None

    def abandon(self, cause: Cause, reason: str) -> None:
        """Those of a cause are not wanted any more; the runtime will answer them all the same."""
        for request in self._waiting.get(cause, ()):
            request.dropped = True
            request.fail(self._error(reason))

    def fail(self, reason: str) -> None:
        """The runtime answers none of them."""
        for line in self._waiting.values():
            while line:
                line.popleft().fail(self._error(reason))

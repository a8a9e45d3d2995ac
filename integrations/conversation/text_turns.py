"""What the model is told in writing, and what becomes of a text that the runtime refuses."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from interject.integrations.conversation.reply_requests import ReplyRequest
from interject.model_runtime.protocol import Cause, RuntimeFailure

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.integrations.conversation.reply_requests import ReplyRequests
    from interject.integrations.conversation.runtime_connection import RuntimeConnection
    from interject.model_runtime.protocol import RuntimeSession

logger = logging.getLogger(__name__)

Reading = asyncio.Future[RuntimeFailure | None]
"""Done when the runtime has taken a text; its result says why it refused it, if it did."""


class TextTurns:
    """`on_unread` is told whose text was refused."""

    def __init__(
        self,
        connection: RuntimeConnection,
        requests: ReplyRequests[Any],
        on_unread: Callable[[str], None],
    ) -> None:
        self._connection = connection
        self._requests = requests
        self._on_unread = on_unread

    def turn(self, text: str, *, answer: bool, writer: str) -> Reading:
        """Raise the platform's error when too many wait for an answer already."""
        reading: Reading = asyncio.get_running_loop().create_future()

        async def send(session: RuntimeSession) -> None:
            try:
                await session.text_turn(text, answer=answer)
            except RuntimeFailure as error:
                _settle(reading, error)
                logger.warning("A text is not read", extra={"reason": str(error)})
                self._on_unread(writer)
                raise
            _settle(reading, None)

        if answer:
            self._requests.add(Cause.TEXT_TURN, ReplyRequest(), send)
        else:
            self._connection.command(send)
        return reading

    def say(self, text: str) -> Reading:
        """Somebody else's words, which are said and remembered as the agent's own. It raises as
        `turn` does.
        """
        reading: Reading = asyncio.get_running_loop().create_future()

        async def send(session: RuntimeSession) -> None:
            try:
                await session.say(text)
            except RuntimeFailure as error:
                _settle(reading, error)
                raise
            _settle(reading, None)

        self._requests.add(Cause.SAY, ReplyRequest(), send)
        return reading

    def remember(self, text: str) -> None:
        """The model is only to know that it has said this."""
        request: ReplyRequest[Any] = ReplyRequest(said_already=True)
        self._requests.add(Cause.SAY, request, lambda session: session.say(text))

    async def read(
        self, readings: dict[str, Reading], *, until: asyncio.Task[None], timeout_s: float
    ) -> dict[str, RuntimeFailure]:
        """Wait for items by their ids; what is returned was refused. A runtime that is away may
        read them later.
        """
        if not readings:
            return {}
        all_read = asyncio.gather(*map(asyncio.shield, readings.values()))
        waits: set[asyncio.Future[Any]] = {all_read, until}
        await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        all_read.cancel()
        done = {item_id: one.result() for item_id, one in readings.items() if one.done()}
        return {item_id: error for item_id, error in done.items() if error is not None}


def _settle(reading: Reading, error: RuntimeFailure | None) -> None:
    if not reading.done():
        reading.set_result(error)

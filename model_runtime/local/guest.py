"""A client's session, on the server's side."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from interject.model_runtime.local.messages import Kind, Message
from interject.model_runtime.protocol import Frame, RuntimeBusy, RuntimeFailure, SessionClosed
from interject.model_runtime.remote import wire

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from interject.model_runtime.protocol import Runtime, RuntimeSession, SessionOptions

MAX_WAITING = 64
"""Inputs that the engine has not taken yet; it takes them at once, unless its answers are not read.
Then nothing more is read of the client.
"""

logger = logging.getLogger(__name__)


class Guest:
    """Feeds a session with what its client says, and says its events.

    `engine_gone` is called when the runtime below takes no session any more.
    """

    def __init__(
        self,
        channel: int,
        runtime: Runtime,
        *,
        send: Callable[[Message], Awaitable[None]],
        engine_gone: Callable[[], None],
    ) -> None:
        self._channel = channel
        self._runtime = runtime
        self._send = send
        self._engine_gone = engine_gone
        self._inputs: asyncio.Queue[Message | None] = asyncio.Queue(MAX_WAITING)
        self._left = False
        self.seated = False

    async def take(self, message: Message) -> None:
        """Queue an input, as soon as there is room."""
        if not self._left:
            await self._inputs.put(message)

    def leave(self) -> None:
        """The client is gone."""
        self._left = True
        with contextlib.suppress(asyncio.QueueFull):
            self._inputs.put_nowait(None)

    async def run(self, session: RuntimeSession) -> None:
        """Until the session is closed."""
        try:
            async with asyncio.TaskGroup() as group:
                feeding = group.create_task(self._feed(session))
                async for event in session.events():
                    await self._say(event)
                feeding.cancel()
        finally:
            self._end()

    def _end(self) -> None:
        """What waits is nobody's any more; who waits to queue more need not."""
        self._left = True
        while not self._inputs.empty():
            self._inputs.get_nowait()

    async def open(self, options: SessionOptions) -> RuntimeSession | None:
        """The session; None when it was refused."""
        try:
            session = await self._runtime.open(options)
        except RuntimeBusy as error:
            await self._say(wire.Opened(str(error)), {b"r": str(error.retry_after_s).encode()})
        except SessionClosed:
            self._engine_gone()
        except RuntimeFailure as error:
            await self._say(wire.Opened(str(error)))
        except Exception:
            logger.exception("a session that could not be opened")
            await self._say(wire.Opened("the session could not be opened; see the server's log"))
        else:
            self.seated = True
            await self._say(wire.Opened())
            return session
        self._end()
        return None

    async def _feed(self, session: RuntimeSession) -> None:
        while not self._left:
            message = await self._inputs.get()
            if message is not None:
                await self._take_in(session, message)
        with contextlib.suppress(SessionClosed):
            await session.close()

    async def _take_in(self, session: RuntimeSession, message: Message) -> None:
        error = ""
        try:
            item = wire.decode_input(message.fields)
            await _apply(session, item)
        except SessionClosed:
            return
        except (RuntimeFailure, wire.WireError) as refusal:
            error = str(refusal)
        except Exception:
            logger.exception("input that the engine could not take")
            error = "the engine could not take it; see the server's log"
        else:
            if not isinstance(item, wire.Say | wire.TextTurn):
                return
        await self._say(wire.Answer(str(message.number), error))

    async def _say(self, output: wire.Output, more: wire.Fields | None = None) -> None:
        fields = wire.encode(output) | dict(more or {})
        await self._send(Message(Kind.ITEM, self._channel, fields=fields))


async def _apply(session: RuntimeSession, item: wire.Input) -> None:
    match item:
        case Frame():
            await session.push(item)
        case wire.Say(text, emotion):
            await session.say(text, emotion=emotion)
        case wire.TextTurn(text, answer):
            await session.text_turn(text, answer=answer)
        case wire.AnswerNow():
            await session.answer_now()
        case wire.Cancel(reply_id, heard_chars):
            await session.cancel(reply_id, heard_chars=heard_chars)
        case wire.Heard(reply_id, chars):
            await session.heard(reply_id, chars=chars)
        case wire.Update(threshold, mode):
            await session.update(threshold=threshold, mode=mode)
        case wire.Finish():
            await session.finish()
        case wire.Close():
            await session.close()

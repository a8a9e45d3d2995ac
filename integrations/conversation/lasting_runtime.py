"""A runtime whose sessions go on where one of them is lost: another is opened in its place."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from dataclasses import replace
from typing import TYPE_CHECKING

from interject.integrations.conversation.reply_numbers import ReplyNumbers
from interject.integrations.conversation.runtime_connection import (
    CommandsOverflow,
    RuntimeConnection,
)
from interject.model_runtime.protocol import (
    MAX_UNREAD_EVENTS,
    Closed,
    CloseReason,
    Emotion,
    InvalidInput,
    RuntimeFailure,
    SessionClosed,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from interject.integrations.conversation.runtime_connection import Command, ReconnectBackoff
    from interject.model_runtime.protocol import (
        Event,
        FloorMode,
        Frame,
        Runtime,
        RuntimeSession,
        SessionOptions,
    )

MAX_COUNT = 2**31 - 1
LAST_EVENT_S = 2.0
"""An open session's last event is read, if it comes at all: whoever watches it waits for that."""
GONE = "the runtime is gone"


class LastingRuntime:
    """A session is refused at once where there is no room for it; one that was opened lasts.
    `on_frame` is told of each frame that goes to a model, and not of those that wait in vain.
    """

    def __init__(
        self,
        runtime: Runtime,
        *,
        backoff: ReconnectBackoff | None = None,
        on_frame: Callable[[Frame], None] | None = None,
    ) -> None:
        self._runtime = runtime
        self._backoff = backoff
        self._on_frame = on_frame
        self._sessions: weakref.WeakSet[LastingSession] = weakref.WeakSet()

    async def open(self, options: SessionOptions) -> LastingSession:
        first = await self._runtime.open(options)
        session = LastingSession(
            self._runtime, options, first, backoff=self._backoff, on_frame=self._on_frame
        )
        self._sessions.add(session)
        return session

    def forget_sound(self) -> None:
        """What waits for a model that is away never reaches it."""
        for session in self._sessions:
            session.forget_sound()

    async def aclose(self) -> None:
        for session in tuple(self._sessions):
            await session.close(CloseReason.SHUTDOWN)
        await self._runtime.aclose()


class LastingSession:
    """A `RuntimeSession`. One that takes another's place remembers nothing of what was said before,
    and a reply in progress ends as cancelled, with the text that there is.

    What is asked while the runtime is away is done when it is back.
    """

    def __init__(
        self,
        runtime: Runtime,
        options: SessionOptions,
        first: RuntimeSession,
        *,
        backoff: ReconnectBackoff | None = None,
        on_frame: Callable[[Frame], None] | None = None,
    ) -> None:
        self._runtime = runtime
        self._options = options
        self._on_frame = on_frame
        self._numbers = ReplyNumbers()
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._closing = self._ended = False
        self._reason = CloseReason.CLIENT
        self._asked: set[asyncio.Future[None]] = set()
        self._connection = RuntimeConnection(
            self._same_runtime, self._renamed, self, backoff=backoff, opened=first
        )
        self._task = asyncio.create_task(self._run(), name=f"lasting-{options.session_id}")

    @property
    def session_id(self) -> str:
        return self._options.session_id

    async def push(self, frame: Frame) -> None:
        self._check()
        self._connection.frame(frame)

    def forget_sound(self) -> None:
        self._connection.drop_frames()

    async def finish(self) -> None:
        self._check()
        self._closing = True
        self._connection.finish()

    async def text_turn(self, text: str, *, answer: bool = True) -> None:
        await self._ask(lambda session: session.text_turn(text, answer=answer))

    async def say(self, text: str, *, emotion: Emotion = Emotion.NORMAL) -> None:
        await self._ask(lambda session: session.say(text, emotion=emotion))

    async def answer_now(self) -> None:
        await self._ask(lambda session: session.answer_now())

    async def cancel(self, reply_id: int, *, heard_chars: int) -> None:
        self._check()
        number = self._number(reply_id, heard_chars)
        if number is not None:
            self._tell(lambda session: session.cancel(number, heard_chars=heard_chars))

    async def heard(self, reply_id: int, *, chars: int) -> None:
        self._check()
        number = self._number(reply_id, chars)
        if number is not None:
            self._tell(lambda session: session.heard(number, chars=chars))

    async def update(
        self, *, threshold: float | None = None, mode: FloorMode | None = None
    ) -> None:
        self._check()
        options = self._options
        self._options = replace(
            options,
            threshold=options.threshold if threshold is None else threshold,
            mode=mode or options.mode,
        )
        self._tell(lambda session: session.update(threshold=threshold, mode=mode))

    async def events(self) -> AsyncIterator[Event]:
        while True:
            event = await self._events.get()
            yield event
            if isinstance(event, Closed):
                return

    async def close(self, reason: CloseReason = CloseReason.CLIENT) -> None:
        if self._ended:
            return
        self._closing, self._reason = True, reason
        is_open = self._connection.session_id is not None
        await self._connection.close()
        await asyncio.wait({self._task}, timeout=LAST_EVENT_S if is_open else 0)
        self._task.cancel()
        await asyncio.wait({self._task})
        self._end(Closed(self.session_id, reason))

    # What the connection tells

    def on_opened(self, *, again: bool) -> None:
        """The frames' numbers go on, and so do the replies'."""

    def on_event(self, event: Event) -> None:
        if not isinstance(event, Closed):
            self._put(self._numbers.outward(event))

    def on_frame(self, frame: Frame) -> None:
        if self._on_frame is not None:
            self._on_frame(frame)

    def on_lost(self, reason: str) -> None:
        for cut in self._numbers.break_off():
            self._put(cut)

    def on_refused(self, error: RuntimeFailure) -> None:
        """Whoever asked has been told."""

    async def _run(self) -> None:
        try:
            await self._connection.run()
            self._end(Closed(self.session_id, self._reason))
        except RuntimeFailure as error:
            self._end(Closed(self.session_id, CloseReason.FAILURE, str(error)))

    def _end(self, closed: Closed) -> None:
        if self._ended:
            return
        self._ended = True
        self.on_lost(GONE)
        self._put(closed)
        for future in self._asked:
            _settle(future, SessionClosed(GONE))

    async def _same_runtime(self) -> Runtime:
        return self._runtime

    def _renamed(self, session_id: str) -> SessionOptions:
        return replace(self._options, session_id=session_id)

    def _number(self, reply_id: int, chars: int) -> int | None:
        """Of a reply of the session that is open, as that session counts it."""
        if not (0 <= reply_id <= MAX_COUNT and 0 <= chars <= MAX_COUNT):
            raise InvalidInput(f"replies and characters are counted from 0 to {MAX_COUNT}")
        return self._numbers.inward(reply_id)

    async def _ask(self, command: Command) -> None:
        """Return once the runtime has taken it, and raise why it did not."""
        self._check()
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def send(session: RuntimeSession) -> None:
            try:
                await command(session)
            except RuntimeFailure as error:
                _settle(future, error)
                raise
            _settle(future, None)

        try:
            self._connection.command(send)
        except CommandsOverflow as error:
            raise RuntimeFailure(str(error)) from error
        self._asked.add(future)
        try:
            await future
        finally:
            self._asked.discard(future)

    def _tell(self, command: Command) -> None:
        """For the session that is open: a later one knows nothing of it, or is opened so."""
        if (session_id := self._connection.session_id) is not None:
            with contextlib.suppress(CommandsOverflow):
                self._connection.command(command, session_id=session_id)

    def _put(self, event: Event) -> None:
        """The session's own name stays, whatever the runtime calls those behind it."""
        if self._events.qsize() == MAX_UNREAD_EVENTS and not isinstance(event, Closed):
            raise RuntimeFailure("its events are not read")
        self._events.put_nowait(replace(event, session_id=self.session_id))

    def _check(self) -> None:
        if self._closing or self._ended:
            raise SessionClosed("the session has ended")


def _settle(future: asyncio.Future[None], error: RuntimeFailure | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)

"""The runtime in the same process: an engine in a thread of its own.

The thread owns the engine. Input reaches it through an inbox, events come back through the event
loop; neither side ever waits for the other. Text becomes tokens in a third thread, so that a long
one holds up nobody else's steps.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, TypeVar

from interject.model_runtime import limits
from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.engine.faults import engine_failure
from interject.model_runtime.engine.ledger import Eviction
from interject.model_runtime.engine.thread import EngineThread
from interject.model_runtime.protocol import (
    MAX_UNREAD_EVENTS,
    Closed,
    CloseReason,
    Emotion,
    FloorMode,
    SessionClosed,
    SessionOptions,
)
from interject.model_runtime.threads import leave_a_core

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from concurrent.futures import Future

    from torch import Tensor

    from interject.model_runtime.checkpoint import Model
    from interject.model_runtime.engine.stream import Stream
    from interject.model_runtime.protocol import Event, Frame

    Emit = Callable[[Event], None]

T = TypeVar("T")

logger = logging.getLogger(__name__)


class EmbeddedRuntime:
    """Many sessions of this process on one engine. Use it as an async context manager.

    A full slot evicts as those of workers do, so that both hear the same in the same sound.
    """

    def __init__(
        self, model: Model, *, slots: int = 8, eviction: Eviction = Eviction.EXACT
    ) -> None:
        leave_a_core()
        self._engine = Engine(model, slots=slots, eviction=eviction)
        self._thread = EngineThread(self._engine, ended=self._end)

    def wait_until_ready(self) -> None:
        """A GPU is warmed up before the first session; a CPU is ready at once.

        :raises RuntimeFailure: when it cannot compute.
        """
        self._thread.ready.result()

    async def __aenter__(self) -> EmbeddedRuntime:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    async def open(self, options: SessionOptions) -> EmbeddedSession:
        """Begin a session."""
        engine = self._engine
        prefix = await asyncio.to_thread(engine.prompt_encoder.prefix, options)
        return await self._open(options, lambda emit: engine.open(options, emit, prefix=prefix))

    async def open_clip(
        self, options: SessionOptions, clip: Tensor, question: str
    ) -> EmbeddedSession:
        """Ask about a whole clip (float32 [n], 16 kHz): one reply, then the session closes.

        :raises RuntimeFailure: when the clip does not fit into the model's memory.
        """
        return await self._open(
            options, lambda emit: self._engine.open_clip(options, clip, question, emit)
        )

    async def _open(
        self, options: SessionOptions, start: Callable[[Emit], Stream]
    ) -> EmbeddedSession:
        loop = asyncio.get_running_loop()
        session = EmbeddedSession(options.session_id, self._thread, loop)
        opening = self._thread.ask(lambda: session.begin(start))
        try:
            await asyncio.wrap_future(opening)
        except asyncio.CancelledError:
            with contextlib.suppress(SessionClosed):
                self._thread.ask(session.abandon)
            raise
        return session

    async def free_slots(self) -> int:
        """How many sessions could be opened now."""
        return await asyncio.wrap_future(self._thread.ask(lambda: self._engine.kv_cache.free_slots))

    async def aclose(self) -> None:
        """Close every session and stop the thread."""
        self._thread.stop()
        await asyncio.to_thread(self._thread.join)

    def submit(self, action: Callable[[], None]) -> None:
        """Have the engine's thread do something between two steps. A fault in it is the engine's.

        :raises SessionClosed: when the runtime has stopped.
        """
        self._thread.put(action)

    @property
    def engine(self) -> Engine:
        """The engine; touch it only through `submit`."""
        return self._engine

    def _end(self, failure: Exception | None) -> None:
        """In the engine's thread."""
        reason, detail = CloseReason.SHUTDOWN, ""
        if failure is not None:
            reason, detail = CloseReason.FAILURE, engine_failure(failure)
        for session_id in self._engine.session_ids:
            self._engine.close(session_id, reason, detail)


class EmbeddedSession:
    """A session of an `EmbeddedRuntime`."""

    def __init__(
        self, session_id: str, thread: EngineThread, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._id = session_id
        self._thread = thread
        self._loop = loop
        self._stream: Stream | None = None
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._closed = False

    @property
    def session_id(self) -> str:
        return self._id

    async def push(self, frame: Frame) -> None:
        self._do(lambda engine: engine.push(self._id, frame))

    async def finish(self) -> None:
        self._do(lambda engine: engine.finish(self._id))

    async def text_turn(self, text: str, *, answer: bool = True) -> None:
        words = await self._spelt(text)
        await self._ask(lambda engine: engine.text_turn(self._id, words, answer=answer))

    async def say(self, text: str, *, emotion: Emotion = Emotion.NORMAL) -> None:
        words = await self._spelt(text)
        await self._ask(lambda engine: engine.say(self._id, words, emotion))

    async def answer_now(self) -> None:
        self._do(lambda engine: engine.answer_now(self._id))

    async def cancel(self, reply_id: int, *, heard_chars: int) -> None:
        limits.check_whole("reply_id", reply_id, 0, limits.MAX_COUNT)
        limits.check_whole("heard_chars", heard_chars, 0, limits.MAX_COUNT)
        self._do(lambda engine: engine.cancel(self._id, reply_id, heard_chars))

    async def heard(self, reply_id: int, *, chars: int) -> None:
        limits.check_whole("reply_id", reply_id, 0, limits.MAX_COUNT)
        limits.check_whole("chars", chars, 0, limits.MAX_COUNT)
        self._do(lambda engine: engine.heard(self._id, reply_id, chars))

    async def update(
        self, *, threshold: float | None = None, mode: FloorMode | None = None
    ) -> None:
        if threshold is not None:
            limits.check_threshold(threshold)
        if mode is not None:
            limits.check_kind("mode", mode, FloorMode)
        self._do(lambda engine: engine.update(self._id, threshold=threshold, mode=mode))

    async def events(self) -> AsyncIterator[Event]:
        while True:
            event = await self._events.get()
            yield event
            if isinstance(event, Closed):
                return

    async def close(self) -> None:
        if not self._closed:
            self._close(CloseReason.CLIENT)

    # Called by the engine's thread

    def begin(self, start: Callable[[Emit], Stream]) -> None:
        """:raises RuntimeFailure: when the engine does not take the session."""
        self._stream = start(self.emit)

    def abandon(self) -> None:
        """Nobody knows that it was begun, if it was."""
        if self._thread.engine.is_open(self._stream):
            self._thread.engine.abandon(self._id)

    def emit(self, event: Event) -> None:
        """Have the loop deliver an event."""
        self._loop.call_soon_threadsafe(self._deliver, event)

    def _act(self, action: Callable[[Engine], None]) -> None:
        """Another session may have this one's id by now."""
        engine = self._thread.engine
        if not engine.is_open(self._stream):
            raise SessionClosed(f"session {self._id} has ended")
        with engine.contained(self._stream):
            action(engine)

    # Called by the loop

    def _deliver(self, event: Event) -> None:
        self._closed = self._closed or isinstance(event, Closed)
        self._events.put_nowait(event)
        if self._events.qsize() == MAX_UNREAD_EVENTS and not self._closed:
            self._close(CloseReason.FAILURE, f"{MAX_UNREAD_EVENTS} events were not read")

    def _close(self, reason: CloseReason, detail: str = "") -> None:
        with contextlib.suppress(SessionClosed):
            self._do(lambda engine: engine.close(self._id, reason, detail))

    def _check(self) -> None:
        if self._closed:
            raise SessionClosed(f"session {self._id} has ended")

    def _do(self, action: Callable[[Engine], None]) -> Future[None]:
        self._check()
        return self._thread.ask(lambda: self._act(action))

    async def _spelt(self, text: str) -> tuple[int, ...]:
        self._check()
        limits.check_text("text", text, limits.MAX_TEXT_BYTES)
        return await asyncio.to_thread(self._thread.engine.prompt_encoder.short_ids, text)

    async def _ask(self, action: Callable[[Engine], None]) -> None:
        """Do something that the engine may refuse; the refusal reaches the caller."""
        await asyncio.wrap_future(self._do(action))

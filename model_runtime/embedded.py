"""The runtime in the same process: an engine in a thread of its own.

The thread owns the engine. Input reaches it through an inbox, events come back through the event
loop; neither side ever waits for the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
from typing import TYPE_CHECKING, TypeVar

from interject.model_runtime import limits
from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.engine.ledger import Eviction
from interject.model_runtime.protocol import (
    MAX_UNREAD_EVENTS,
    Closed,
    CloseReason,
    Emotion,
    FloorMode,
    RuntimeFailure,
    SessionClosed,
    SessionOptions,
)
from interject.model_runtime.threads import leave_a_core

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from torch import Tensor

    from interject.model_runtime.checkpoint import Model
    from interject.model_runtime.protocol import Event, Frame

_IDLE_WAIT_S = 0.5
T = TypeVar("T")

logger = logging.getLogger(__name__)


class EmbeddedRuntime:
    """Many sessions of this process on one engine. Use it as an async context manager.

    A full slot is tidied as workers do it, so that both hear the same in the same sound.
    """

    def __init__(
        self, model: Model, *, slots: int = 8, eviction: Eviction = Eviction.EXACT
    ) -> None:
        leave_a_core()
        self._engine = Engine(model, slots=slots, eviction=eviction)
        self._inbox: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._sessions: dict[str, EmbeddedSession] = {}
        self._ending = threading.Lock()
        self._ended = False
        self._thread = threading.Thread(target=self._work, name="interject-engine", daemon=True)
        self._thread.start()

    async def __aenter__(self) -> EmbeddedRuntime:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    async def open(self, options: SessionOptions) -> EmbeddedSession:
        """Begin a session."""
        return await self._open(options, lambda emit: self._engine.open(options, emit))

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
        self, options: SessionOptions, start: Callable[[Callable[[Event], None]], None]
    ) -> EmbeddedSession:
        loop = asyncio.get_running_loop()
        session = EmbeddedSession(options.session_id, self, loop)
        opened: asyncio.Future[None] = loop.create_future()
        begun = False

        def begin() -> None:
            nonlocal begun
            self._check_running()
            start(session.emit)
            begun = True

        def undo() -> None:
            if begun:
                self._engine.abandon(options.session_id)

        self.submit(lambda: _answer(loop, opened, begin))
        try:
            await opened
        except asyncio.CancelledError:
            with contextlib.suppress(SessionClosed):
                self.submit(undo)
            raise
        return session

    async def free_slots(self) -> int:
        """How many sessions could be opened now."""
        loop = asyncio.get_running_loop()
        free: asyncio.Future[int] = loop.create_future()

        def count() -> None:
            loop.call_soon_threadsafe(_succeed, free, self._engine.memory.free)

        self.submit(count)
        return await free

    async def aclose(self) -> None:
        """Close every session and stop the thread."""
        self._inbox.put(None)
        await asyncio.to_thread(self._thread.join)

    def submit(self, action: Callable[[], None]) -> None:
        """Have the engine's thread do something between two steps.

        :raises SessionClosed: when the runtime has stopped.
        """
        with self._ending:
            self._check_running()
            self._inbox.put(action)

    @property
    def engine(self) -> Engine:
        """The engine; touch it only through `submit`."""
        return self._engine

    def _work(self) -> None:
        reason, detail = CloseReason.SHUTDOWN, ""
        try:
            busy = False
            while self._take_in(wait=not busy):
                busy = self._engine.step()
        except Exception:
            logger.exception("the engine failed")
            reason, detail = CloseReason.FAILURE, "the engine failed; see the log"
        with self._ending:
            self._ended = True
        for session_id in self._engine.session_ids:
            self._engine.close(session_id, reason, detail)
        self._turn_down()

    def _turn_down(self) -> None:
        """Whoever still waits for an answer learns that the sessions are closed."""
        while not self._inbox.empty():
            action = self._inbox.get()
            if action is not None:
                action()

    def _check_running(self) -> None:
        if self._ended:
            raise SessionClosed("the runtime has stopped; open a new one")

    def _take_in(self, *, wait: bool) -> bool:
        """Do all that is in the inbox; False once the runtime is to stop."""
        try:
            action = self._inbox.get(block=wait, timeout=_IDLE_WAIT_S if wait else None)
            while action is not None:
                action()
                action = self._inbox.get_nowait()
        except queue.Empty:
            return True
        return False


class EmbeddedSession:
    """A session of an `EmbeddedRuntime`."""

    def __init__(
        self, session_id: str, runtime: EmbeddedRuntime, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._id = session_id
        self._runtime = runtime
        self._loop = loop
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
        limits.check_text("text", text, limits.MAX_TEXT_BYTES)
        await self._ask(lambda engine: engine.text_turn(self._id, text, answer=answer))

    async def say(self, text: str, *, emotion: Emotion = Emotion.NORMAL) -> None:
        limits.check_text("text", text, limits.MAX_TEXT_BYTES)
        await self._ask(lambda engine: engine.say(self._id, text, emotion))

    async def answer_now(self) -> None:
        self._do(lambda engine: engine.answer_now(self._id))

    async def cancel(self, reply_id: int, *, heard_chars: int) -> None:
        limits.check_whole("heard_chars", heard_chars, 0, limits.MAX_COUNT)
        self._do(lambda engine: engine.cancel(self._id, reply_id, heard_chars))

    async def heard(self, reply_id: int, *, chars: int) -> None:
        limits.check_whole("chars", chars, 0, limits.MAX_COUNT)
        self._do(lambda engine: engine.heard(self._id, reply_id, chars))

    async def update(
        self, *, threshold: float | None = None, mode: FloorMode | None = None
    ) -> None:
        if threshold is not None:
            limits.check_threshold(threshold)
        self._do(lambda engine: engine.update(self._id, threshold=threshold, mode=mode))

    async def events(self) -> AsyncIterator[Event]:
        while True:
            event = await self._events.get()
            yield event
            if isinstance(event, Closed):
                return

    async def close(self) -> None:
        if not self._closed:
            self._do(lambda engine: engine.close(self._id, CloseReason.CLIENT))

    def emit(self, event: Event) -> None:
        """Called by the engine's thread."""
        self._loop.call_soon_threadsafe(self._deliver, event)

    def _deliver(self, event: Event) -> None:
        self._closed = self._closed or isinstance(event, Closed)
        self._events.put_nowait(event)
        if self._events.qsize() == MAX_UNREAD_EVENTS and not self._closed:
            detail = f"{MAX_UNREAD_EVENTS} events were not read"
            self._do(lambda engine: engine.close(self._id, CloseReason.FAILURE, detail))

    def _do(self, action: Callable[[Engine], None]) -> None:
        if self._closed:
            raise SessionClosed(f"session {self._id} has ended")
        self._runtime.submit(lambda: self._quietly(action))

    def _quietly(self, action: Callable[[Engine], None]) -> None:
        engine = self._runtime.engine
        try:
            action(engine)
        except SessionClosed:
            logger.debug("input for a session that has just ended")
        except Exception:
            logger.exception("input that the engine could not take")
            engine.close(self._id, CloseReason.FAILURE, "its input could not be taken; see the log")

    async def _ask(self, action: Callable[[Engine], None]) -> None:
        """Do something that the engine may refuse; the refusal reaches the caller."""
        done: asyncio.Future[None] = self._loop.create_future()

        self._do(lambda engine: _answer(self._loop, done, lambda: action(engine)))
        await done


def _answer(
    loop: asyncio.AbstractEventLoop, answer: asyncio.Future[None], action: Callable[[], None]
) -> None:
    """Do something in the engine's thread and settle a future of the loop with how it went.

    One session's input must not end the others, whatever is wrong with it.
    """
    try:
        action()
    except Exception as error:
        if not isinstance(error, RuntimeFailure):
            logger.exception("input that the engine could not take")
        loop.call_soon_threadsafe(_fail, answer, error)
    else:
        loop.call_soon_threadsafe(_succeed, answer, None)


def _succeed(answer: asyncio.Future[T], value: T) -> None:
    if not answer.done():
        answer.set_result(value)


def _fail(answer: asyncio.Future[None], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)

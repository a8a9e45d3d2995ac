"""The way to the runtime and back, opened anew when it breaks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from interject.model_runtime.protocol import (
    Closed,
    CloseReason,
    Decision,
    Frame,
    Gap,
    GapReason,
    ReplyStarted,
    RuntimeBusy,
    RuntimeFailure,
    SessionClosed,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from interject.model_runtime.protocol import Event, Runtime, RuntimeSession, SessionOptions

    Command = Callable[[RuntimeSession], Awaitable[None]]

logger = logging.getLogger(__name__)

MAX_FRAMES = 150
MAX_COMMANDS = 256


@dataclass(frozen=True, slots=True)
class ReconnectBackoff:
    """Seconds between attempts (doubling from the first to the longest), and until giving up."""

    first_s: float = 0.25
    longest_s: float = 5.0
    give_up_s: float = 60.0


@dataclass(frozen=True, slots=True)
class _Order:
    """`session_id`: the one memory that it concerns; later ones know nothing of it."""

    command: Command
    session_id: str | None


class ConnectionListener(Protocol):
    """Who is told. Frame numbers go on over all runtime sessions, as if there were one."""

    def on_opened(self, *, again: bool) -> None: ...

    def on_event(self, event: Event) -> None: ...

    def on_frame(self, frame: Frame) -> None:
        """It goes to the model now."""

    def on_lost(self, reason: str) -> None: ...

    def on_refused(self, error: RuntimeFailure) -> None: ...


class CommandsOverflow(Exception):
    """Too much waits for the runtime."""


class RuntimeConnection:
    """`frame` and `command` never wait: 150 frames (60 s) are kept, then the oldest goes.

    `opened` is the first session where that is open already.
    """

    def __init__(
        self,
        runtime: Callable[[], Awaitable[Runtime]],
        options: Callable[[str], SessionOptions],
        listener: ConnectionListener,
        *,
        backoff: ReconnectBackoff | None = None,
        opened: RuntimeSession | None = None,
    ) -> None:
        self._runtime = runtime
        self._options = options
        self._listener = listener
        self._backoff = backoff or ReconnectBackoff()
        self._outbox: deque[Frame | _Order] = deque()
        self._frames = 0
        self._filled = asyncio.Event()
        self._closing = False
        self._session = opened
        self._base = self._next_seq = 0
        self.opened_once = False
        self.dropped_frames = 0

    @property
    def session_id(self) -> str | None:
        """Of the runtime session that is open."""
        return self._session.session_id if self._session is not None else None

    def frame(self, frame: Frame) -> None:
        if self._frames >= MAX_FRAMES:
            self._drop_oldest_frame()
        self._frames += 1
        self._put(frame)

    def command(self, command: Command, *, session_id: str | None = None) -> None:
        """:raises CommandsOverflow: when too many wait for the runtime."""
        if len(self._outbox) - self._frames >= MAX_COMMANDS:
            raise CommandsOverflow("too much waits for the runtime already: ask less often")
        self._put(_Order(command, session_id))

    def drop_frames(self) -> None:
        """Forget what has not been heard by the model yet."""
        while self._frames:
            self._drop_oldest_frame()

    async def run(self) -> None:
        """Return once closed.

        :raises RuntimeFailure: when the runtime refuses, or stays away for too long.
        """
        while self._session is not None or not self._closing:
            self._session = session = self._session or await self._open()
            self._base = next((i.seq for i in self._outbox if isinstance(i, Frame)), self._next_seq)
            if self._base > self._next_seq:
                lost = self._base - self._next_seq
                self._tell(Gap(session.session_id, self._next_seq, lost, GapReason.MISSING))
            again, self.opened_once = self.opened_once, True
            self._listener.on_opened(again=again)
            reason = await self._serve(session)
            self._session = None
            if not self._closing:
                logger.warning("The runtime ended a session; it is opened anew")
                self._listener.on_lost(reason)

    def finish(self) -> None:
        """No frame follows; `run` returns when the last one is decided."""
        self._closing = True
        self._put(_Order(lambda session: session.finish(), None))

    async def close(self) -> None:
        self._closing = True
        if self._session is not None:
            with contextlib.suppress(RuntimeFailure):
                await self._session.close()

    async def _open(self) -> RuntimeSession:
        delay_s, waited_s = self._backoff.first_s, 0.0
        while True:
            try:
                return await (await self._runtime()).open(self._options(uuid.uuid4().hex))
            except RuntimeFailure as error:
                lasting = not self.opened_once and not isinstance(error, RuntimeBusy)
                if lasting or waited_s >= self._backoff.give_up_s:
                    raise
                if isinstance(error, RuntimeBusy):
                    delay_s = min(error.retry_after_s, self._backoff.longest_s)
            await asyncio.sleep(delay_s)
            waited_s += delay_s
            delay_s = min(2 * delay_s, self._backoff.longest_s)

    async def _serve(self, session: RuntimeSession) -> str:
        """Follow a session to its end; returns why it ended."""
        sender = asyncio.create_task(self._send(session), name="interject-send")
        reason = "its events broke off"
        try:
            async for event in session.events():
                if isinstance(event, Closed):
                    reason = event.detail or "it gave no reason"
                    if event.reason is not CloseReason.FAILURE and self._closing:
                        self._tell(event)
                else:
                    self._tell(self._renumbered(event))
        finally:
            sender.cancel()
            await asyncio.wait({sender})
        if not sender.cancelled() and (error := sender.exception()):
            raise error
        return reason

    async def _send(self, session: RuntimeSession) -> None:
        with contextlib.suppress(SessionClosed):
            while True:
                while self._outbox:
                    item = self._outbox.popleft()
                    if isinstance(item, Frame):
                        self._frames -= 1
                        self._next_seq = item.seq + 1
                        self._listener.on_frame(item)
                        await session.push(replace(item, seq=item.seq - self._base))
                    elif item.session_id in (None, session.session_id):
                        await self._order(item, session)
                self._filled.clear()
                await self._filled.wait()

    async def _order(self, order: _Order, session: RuntimeSession) -> None:
        try:
            await order.command(session)
        except SessionClosed:
            raise
        except RuntimeFailure as error:
            self._listener.on_refused(error)

    def _renumbered(self, event: Event) -> Event:
        match event:
            case Decision() | ReplyStarted():
                return replace(event, seq=event.seq + self._base)
            case Gap():
                return replace(event, first_seq=event.first_seq + self._base)
            case _:
                return event

    def _tell(self, event: Event) -> None:
        self._listener.on_event(event)

    def _put(self, item: Frame | _Order) -> None:
        self._outbox.append(item)
        self._filled.set()

    def _drop_oldest_frame(self) -> None:
        oldest = next(item for item in self._outbox if isinstance(item, Frame))
        self._outbox.remove(oldest)
        self._frames -= 1
        self.dropped_frames += 1

"""A session of a `RedisRuntime`: it speaks into an outbox and hears events."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import (
    Closed,
    CloseReason,
    Decision,
    Emotion,
    FloorMode,
    Gap,
    ReplyStarted,
    RuntimeFailure,
    SessionClosed,
)
from interject.model_runtime.redis import wire
from interject.model_runtime.redis.outbox import Outbox
from interject.model_runtime.redis.streams import entry_order

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from interject.model_runtime.protocol import Event, Frame

MAX_UNREAD_EVENTS = 8_192


class RedisSession:
    """`generation` counts a session's clients; it is the first half of its entries' ids.

    A client that comes back begins with frame 0 again, which the session counts as `first_seq`.
    """

    def __init__(
        self,
        session_id: str,
        key: str,
        *,
        generation: int,
        read_to: str,
        first_seq: int,
        answer_s: float,
        wake: Callable[[], None],
    ) -> None:
        self.key = key
        self.generation = generation
        self.read_to = read_to
        self.outbox = Outbox()
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed = asyncio.Event()
        self.refused_events = 0
        self._id = session_id
        self._first_seq = first_seq
        self._answer_s = answer_s
        self._wake = wake
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._asked: dict[str, asyncio.Future[None]] = {}
        self._ending = False

    @property
    def session_id(self) -> str:
        return self._id

    async def push(self, frame: Frame) -> None:
        self._put(replace(frame, seq=frame.seq + self._first_seq) if self._first_seq else frame)

    async def finish(self) -> None:
        self._put(wire.Finish())

    async def text_turn(self, text: str, *, answer: bool = True) -> None:
        await self._ask(wire.TextTurn(text, answer))

    async def say(self, text: str, *, emotion: Emotion = Emotion.NORMAL) -> None:
        await self._ask(wire.Say(text, emotion))

    async def answer_now(self) -> None:
        self._put(wire.AnswerNow())

    async def cancel(self, reply_id: int, *, heard_chars: int) -> None:
        self._put(wire.Cancel(reply_id, heard_chars))

    async def heard(self, reply_id: int, *, chars: int) -> None:
        self._put(wire.Heard(reply_id, chars))

    async def update(
        self, *, threshold: float | None = None, mode: FloorMode | None = None
    ) -> None:
        self._put(wire.Update(threshold, mode))

    async def events(self) -> AsyncIterator[Event]:
        while True:
            event = await self._events.get()
            yield event
            if isinstance(event, Closed):
                return

    async def close(self) -> None:
        self.begin_close(CloseReason.CLIENT)

    def begin_close(self, reason: CloseReason) -> None:
        """Ask the worker to end the session, once."""
        if not (self._ending or self.closed.is_set()):
            self._put(wire.Close(reason))
            self._ending = True

    # What comes back

    def receive(self, entry: str, fields: wire.Fields) -> None:
        """Take an entry of the output stream; only rising ids count."""
        if self.closed.is_set() or entry_order(entry) <= entry_order(self.read_to):
            return
        self.read_to = entry
        try:
            output = wire.decode_output(fields)
        except wire.WireError:
            self.refused_events += 1
            return
        self._acknowledge(fields.get(b"c", b"").decode("ascii", "replace"))
        if isinstance(output, wire.Opened):
            self._settle(self.opened, output.error)
        elif isinstance(output, wire.Answer):
            self._settle(self._asked.pop(output.entry, None), output.error)
        else:
            self._deliver(output)

    def end(self, reason: CloseReason, detail: str = "") -> None:
        """The session is over, whatever the worker may still think."""
        if not self.closed.is_set():
            self._deliver(Closed(self._id, reason, detail))

    def _deliver(self, event: Event) -> None:
        if isinstance(event, Decision):
            self.outbox.decided(event.seq)
        elif isinstance(event, Gap):
            self.outbox.decided(event.first_seq + event.count - 1)
        elif isinstance(event, Closed):
            self._close_down(event)
        self._events.put_nowait(self._renumbered(event))
        if self._events.qsize() == MAX_UNREAD_EVENTS:
            self.begin_close(CloseReason.FAILURE)
            self.end(CloseReason.FAILURE, f"{MAX_UNREAD_EVENTS} events were not read")

    def _renumbered(self, event: Event) -> Event:
        if not self._first_seq:
            return event
        match event:
            case Decision() | ReplyStarted():
                return replace(event, seq=max(-1, event.seq - self._first_seq))
            case Gap():
                return replace(event, first_seq=event.first_seq - self._first_seq)
        return event

    def _close_down(self, event: Closed) -> None:
        self.closed.set()
        for waiting in (self.opened, *self._asked.values()):
            self._settle(waiting, event.detail or f"session {self._id} has ended")
        self._asked.clear()

    def _acknowledge(self, cursor: str) -> None:
        generation, _, number = cursor.partition("-")
        if generation == str(self.generation) and number.isdecimal():
            self.outbox.acknowledged(int(number))

    def _settle(self, waiting: asyncio.Future[None] | None, error: str) -> None:
        if waiting is None or waiting.done():
            return
        if error:
            waiting.set_exception(RuntimeFailure(error))
            waiting.exception()
        else:
            waiting.set_result(None)

    # What goes out

    def _put(self, item: wire.Input) -> str:
        if self._ending or self.closed.is_set():
            raise SessionClosed(f"session {self._id} has ended")
        number = self.outbox.put(item)
        if self.outbox.full:
            self.end(CloseReason.FAILURE, "Redis is away, and too much waits for it")
        self._wake()
        return f"{self.generation}-{number}"

    async def _ask(self, item: wire.Input) -> None:
        """Do something that the worker may refuse; the refusal reaches the caller."""
        answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = self._put(item)
        self._asked[entry] = answered
        try:
            async with asyncio.timeout(self._answer_s):
                await answered
        except TimeoutError:
            self._asked.pop(entry, None)
            raise RuntimeFailure(f"no worker answered within {self._answer_s:.0f} s") from None

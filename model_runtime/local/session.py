"""A session of a `LocalRuntime`. It outlives the server: another one goes on where this one died.

The memory does not: the next server has heard and said nothing yet.
"""

from __future__ import annotations

import asyncio
from enum import Enum, auto
from typing import TYPE_CHECKING

from interject.model_runtime.limits import MAX_JSON_BYTES
from interject.model_runtime.local.messages import Kind, Message
from interject.model_runtime.local.outbox import Outbox
from interject.model_runtime.protocol import (
    MAX_UNREAD_EVENTS,
    Closed,
    CloseReason,
    Decision,
    Frame,
    Gap,
    ReplyStarted,
    RuntimeBusy,
    RuntimeFailure,
    SessionClosed,
    SessionOptions,
)
from interject.model_runtime.remote import options_codec, wire
from interject.model_runtime.remote.session import CLOSE_S, RemoteSession, settle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from interject.model_runtime.protocol import Event


class SessionState(Enum):
    """What the server that is connected knows of a session."""

    UNKNOWN = auto()
    OPENING = auto()
    OPEN = auto()
    CLOSED = auto()


class LocalSession(RemoteSession):
    """`channel` is its number on the connection, `wake` says that there is something to send."""

    def __init__(
        self,
        options: SessionOptions,
        channel: int,
        *,
        answer_s: float,
        wake: Callable[[], None],
        close_s: float = CLOSE_S,
    ) -> None:
        super().__init__(options, answer_s=answer_s, wake=wake, close_s=close_s)
        self.state = SessionState.UNKNOWN
        self.ending: CloseReason | None = None
        self._channel = channel
        self._outbox = Outbox()
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._asked: dict[int, asyncio.Future[None]] = {}

    async def events(self) -> AsyncIterator[Event]:
        while True:
            event = await self._events.get()
            yield event
            if isinstance(event, Closed):
                return

    def begin_close(self, reason: CloseReason) -> None:
        """Ask the server to end the session, once."""
        if self.ending is not None or self.closed.is_set():
            return
        if self.state is SessionState.UNKNOWN:
            self.end(reason)
        else:
            self.ending = reason
            self._outbox.put(wire.Close(reason))
            self._wake()
            self._end_soon(reason)

    # What goes out

    def outgoing(self) -> Iterator[Message]:
        """What is to be sent now; it counts as sent."""
        if self.state is SessionState.UNKNOWN:
            self.state = SessionState.OPENING
            fields = {b"d": options_codec.encode_options(self.options)}
            yield Message(Kind.OPEN, self._channel, fields=fields)
        elif self.state is not SessionState.OPENING:
            for entry in self._outbox.take():
                if self._numbering.concerns_server(entry.item):
                    item = self._numbering.for_server(entry.item)
                    yield Message(Kind.ITEM, self._channel, entry.number, wire.encode(item))

    @property
    def done(self) -> bool:
        """Whether nothing more will be sent or heard."""
        return self.closed.is_set() and not self._outbox.waiting

    def _put(self, item: wire.Input) -> int:
        self._check()
        if not isinstance(item, Frame) or item.speakers:
            _check_length(item)
        number = self._outbox.put(item)
        if self._outbox.full:
            self._break_off("the model's process is away, and too much waits for it")
            self._check()
        self._wake()
        return number

    def _check(self) -> None:
        if self.ending is not None or self.closed.is_set():
            raise SessionClosed(f"session {self.session_id} has ended")

    async def _ask(self, item: wire.Input) -> None:
        """Do something that the server may refuse; the refusal reaches the caller."""
        number = self._put(item)
        answered = self._asked[number] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._answer_s):
                await answered
        except TimeoutError:
            self._outbox.settle(number)
            raise RuntimeFailure(
                f"the model's process gave no answer within {self._answer_s:.0f} s"
            ) from None
        finally:
            self._asked.pop(number, None)

    # What comes back

    def receive(self, fields: wire.Fields) -> None:
        """Take what the server says of this session.

        :raises WireError: when it cannot be read.
        """
        output = wire.decode_output(fields)
        if self.closed.is_set():
            return
        if isinstance(output, wire.Opened):
            self._take_opened(output.error, fields.get(b"r"))
        elif isinstance(output, wire.Answer):
            number = int(output.entry)
            self._outbox.answered(number, refused=bool(output.error))
            settle(self._asked.get(number), output.error)
        elif not isinstance(output, wire.Resend):
            event = self._for_client(output)
            if event is not None:
                self._deliver(event)

    def lost(self) -> None:
        """The server is gone, and the memory with it."""
        if self.closed.is_set() or self.ending is not None:
            self.end(self.ending or CloseReason.FAILURE)
            self._outbox.clear()
            return
        self.state = SessionState.UNKNOWN
        self._outbox.send_again()
        self._cut_reply()
        self._change_server()

    def end(self, reason: CloseReason, detail: str = "") -> None:
        """The session is over, whatever a server may still think."""
        if self.closed.is_set():
            return
        if self.state is SessionState.UNKNOWN:
            self._outbox.clear()
        self._cut_reply()
        self._deliver(Closed(self.session_id, reason, detail))

    def _take_opened(self, error: str, retry_after_s: bytes | None) -> None:
        if not error:
            self.state = SessionState.OPEN
            settle(self.opened, "")
            self._wake()
        elif self.opened.done():
            self.end(CloseReason.FAILURE, error)
        else:
            failure = RuntimeFailure(error)
            if retry_after_s is not None:
                failure = RuntimeBusy(error, retry_after_s=float(retry_after_s))
            self.opened.set_exception(failure)
            self.end(CloseReason.FAILURE, error)

    def _deliver(self, event: Event) -> None:
        self._note(event)
        self._events.put_nowait(event)
        if self._events.qsize() == MAX_UNREAD_EVENTS and not self.closed.is_set():
            self._break_off(f"{MAX_UNREAD_EVENTS} events were not read")

    def _break_off(self, detail: str) -> None:
        if self.state is not SessionState.UNKNOWN:
            self.begin_close(CloseReason.FAILURE)
        self.end(CloseReason.FAILURE, detail)

    def _note(self, event: Event) -> None:
        self._progress.note(event)
        if isinstance(event, Decision | Gap):
            self._outbox.decided(self._progress.next_seq - 1)
        elif isinstance(event, ReplyStarted):
            self._outbox.begun(event.cause)
        elif isinstance(event, Closed):
            self._close_down(event)

    def _close_down(self, event: Closed) -> None:
        self._end_now()
        self.state = SessionState.CLOSED
        for waiting in (self.opened, *self._asked.values()):
            settle(waiting, event.detail or f"session {self.session_id} has ended")
        self._wake()


def _check_length(item: wire.Input) -> None:
    """What the server would not read must not end the connection of all sessions."""
    length = sum(len(value) for value in wire.encode(item).values())
    if length > MAX_JSON_BYTES:
        raise RuntimeFailure(f"the input has {length} bytes, at most {MAX_JSON_BYTES}")

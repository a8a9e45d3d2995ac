"""A session of a `RedisRuntime`: it speaks into an outbox and hears events."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import (
    MAX_UNREAD_EVENTS,
    Closed,
    CloseReason,
    Decision,
    Gap,
    ReplyStarted,
    RuntimeFailure,
    SessionClosed,
)
from interject.model_runtime.redis.client.outbox import Outbox
from interject.model_runtime.redis.streams import entry_order
from interject.model_runtime.remote import wire
from interject.model_runtime.remote.session import CLOSE_S, RemoteSession, settle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from interject.model_runtime.protocol import Event, SessionOptions


DEFAULT_GRACE_MS = 30_000


class RedisSession(RemoteSession):
    """`generation` counts a session's clients; it is the first half of its entries' ids.

    A client that comes back begins with frame 0 again, which is the worker's frame `resumes_at`. It
    hears what its predecessor had not taken, but for what became of frames that it never sent.
    `read_to` is the last entry read, `taken_to` that of the last event whose consumer came back.

    Where Redis and the worker were lost together, `begin_again` goes on with another worker, which
    has heard and said nothing yet.
    """

    def __init__(
        self,
        options: SessionOptions,
        key: str,
        *,
        generation: int,
        read_to: str,
        resumes_at: int,
        answer_s: float,
        wake: Callable[[], None],
        close_s: float = CLOSE_S,
        reply_taken: Callable[[str], None] = lambda key: None,
    ) -> None:
        super().__init__(
            options, answer_s=answer_s, wake=wake, close_s=close_s, first_seq=-resumes_at
        )
        self.key = key
        self.grace_ms = DEFAULT_GRACE_MS
        self.generation = generation
        self.read_to = read_to
        self.taken_to = read_to
        self._read_order = entry_order(read_to)
        self.outbox = Outbox()
        self.refused_events = 0
        self._finishing = False
        self._reply_taken = reply_taken
        self._events: asyncio.Queue[tuple[str, Event]] = asyncio.Queue()
        self._asked: dict[str, asyncio.Future[None]] = {}
        self._ending = False

    async def finish(self) -> None:
        await super().finish()
        self._finishing = True

    async def events(self) -> AsyncIterator[Event]:
        while True:
            entry, event = await self._events.get()
            yield event
            if isinstance(event, Closed):
                return
            self.taken_to = entry
            if isinstance(event, ReplyStarted):
                self._reply_taken(self.key)

    def begin_close(self, reason: CloseReason) -> None:
        """Ask the worker to end the session, once."""
        if not (self._ending or self.closed.is_set()):
            self._put(wire.Close(reason))
            self._ending = True
            self._end_soon(reason)

    def begin_again(self, generation: int, read_to: str) -> None:
        """Another worker has the session, in new streams, and counts from 0."""
        self.generation, self.read_to, self.taken_to = generation, read_to, read_to
        self._read_order = entry_order(read_to)
        self._cut_reply()
        self._change_server()
        if self._finishing:
            self.outbox.put(wire.Finish())
        numbers = self.outbox.begin_again(self._numbering.concerns_server)
        asked, self._asked = self._asked, {}
        for entry, answered in asked.items():
            number = numbers.get(entry_order(entry)[1])
            if number is None:
                settle(answered, "the worker that was asked is gone")
            else:
                self._asked[f"{generation}-{number}"] = answered
        self._wake()

    @property
    def ending(self) -> bool:
        """Whether nothing more is wanted of the session."""
        return self._ending or self.closed.is_set()

    @property
    def awaits_worker(self) -> bool:
        """Whether one would have something to say."""
        return self._finishing or self.outbox.undecided

    # What comes back

    def receive(self, entry: str, fields: wire.Fields) -> None:
        """Take an entry of the output stream; only rising ids count."""
        order = entry_order(entry)
        if self.closed.is_set() or order <= self._read_order:
            return
        self.read_to, self._read_order = entry, order
        try:
            output = wire.decode_output(fields)
        except wire.WireError:
            self.refused_events += 1
            return
        self._acknowledge(fields.get(b"c", b"").decode("ascii", "replace"))
        if isinstance(output, wire.Opened):
            settle(self.opened, output.error)
        elif isinstance(output, wire.Answer):
            settle(self._asked.pop(output.entry, None), output.error)
        elif isinstance(output, wire.Resend):
            self.outbox.send_again()
            self._wake()
        else:
            event = self._for_client(output)
            if event is not None:
                self._deliver(event)

    def end(self, reason: CloseReason, detail: str = "") -> None:
        """The session is over, whatever the worker may still think."""
        if not self.closed.is_set():
            self._cut_reply()
            self._deliver(Closed(self.session_id, reason, detail))

    def _deliver(self, event: Event) -> None:
        self._progress.note(event)
        if isinstance(event, Decision | Gap):
            self.outbox.decided(self._progress.next_seq - 1)
        elif isinstance(event, Closed):
            self._close_down(event)
        self._events.put_nowait((self.read_to, event))
        if self._events.qsize() == MAX_UNREAD_EVENTS:
            self.begin_close(CloseReason.FAILURE)
            self.end(CloseReason.FAILURE, f"{MAX_UNREAD_EVENTS} events were not read")

    def _close_down(self, event: Closed) -> None:
        self._end_now()
        for waiting in (self.opened, *self._asked.values()):
            settle(waiting, event.detail or f"session {self.session_id} has ended")
        self._asked.clear()

    def _acknowledge(self, cursor: str) -> None:
        generation, _, number = cursor.partition("-")
        if generation == str(self.generation) and number.isdecimal():
            self.outbox.acknowledged(int(number))

    # What goes out

    def unsent_entries(self) -> Iterator[tuple[int, wire.Fields]]:
        """What is to be sent now, by number: as the worker counts frames and replies."""
        for entry in self.outbox.unsent():
            yield entry.number, wire.encode(self._numbering.for_server(entry.item))

    def _check(self) -> None:
        if self.ending:
            raise SessionClosed(f"session {self.session_id} has ended")

    def _put(self, item: wire.Input) -> str:
        self._check()
        if not self._numbering.concerns_server(item):
            return ""
        number = self.outbox.put(item)
        if self.outbox.full:
            self.end(CloseReason.FAILURE, "Redis is away, and too much waits for it")
        self._wake()
        return f"{self.generation}-{number}"

    async def _ask(self, item: wire.Input) -> None:
        """Do something that the worker may refuse; the refusal reaches the caller."""
        answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = self._put(item)
        self._check()
        self._asked[entry] = answered
        try:
            async with asyncio.timeout(self._answer_s):
                await answered
        except TimeoutError:
            self._asked.pop(entry, None)
            raise RuntimeFailure(f"no worker answered within {self._answer_s:.0f} s") from None

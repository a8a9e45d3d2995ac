"""What a client asks of a session in another process, whatever carries it there."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import CloseReason, Emotion, RuntimeFailure
from interject.model_runtime.remote import wire
from interject.model_runtime.remote.numbering import Numbering
from interject.model_runtime.remote.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.model_runtime.protocol import Event, FloorMode, Frame, SessionOptions

CLOSE_S = 2.0


class RemoteSession(ABC):
    """`options` follow every change, so that another server can open the session with them.

    `answer_s` is how long a request may go without an answer, `close_s` how long the wish to end;
    `wake` says that something waits to be sent. `first_seq` is what the client calls the server's
    frame 0.
    """

    def __init__(
        self,
        options: SessionOptions,
        *,
        answer_s: float,
        wake: Callable[[], None],
        close_s: float = CLOSE_S,
        first_seq: int = 0,
    ) -> None:
        self.options = options
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed = asyncio.Event()
        self._answer_s = answer_s
        self._close_s = close_s
        self._closing: asyncio.TimerHandle | None = None
        self._wake = wake
        self._numbering = Numbering(first_seq)
        self._progress = Progress()

    @property
    def session_id(self) -> str:
        return self.options.session_id

    async def push(self, frame: Frame) -> None:
        if frame.seq >= self._progress.next_seq:
            self._put(frame)
        else:
            self._check()

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
        options = self.options
        self.options = replace(
            options,
            threshold=options.threshold if threshold is None else threshold,
            mode=mode or options.mode,
        )

    async def close(self) -> None:
        self.begin_close(CloseReason.CLIENT)

    @abstractmethod
    def begin_close(self, reason: CloseReason) -> None:
        """Ask the server to end the session, once."""

    @abstractmethod
    def end(self, reason: CloseReason, detail: str = "") -> None:
        """The session is over, whatever the server may still think."""

    def _for_client(self, event: Event) -> Event | None:
        """An event as the client counts; None when it is not for it, or was reported before."""
        counted = self._numbering.for_client(event)
        return None if counted is None or self._progress.has_reported(counted) else counted

    def _change_server(self) -> None:
        """The next one has heard and said nothing yet."""
        self._numbering.begin_again(
            next_seq=self._progress.next_seq, next_reply=self._progress.next_reply
        )

    def _end_soon(self, reason: CloseReason) -> None:
        """Whoever should confirm it may be gone."""
        loop = asyncio.get_running_loop()
        self._closing = loop.call_later(self._close_s, self.end, reason)

    def _end_now(self) -> None:
        """It is over: nothing more has to be ended."""
        self.closed.set()
        if self._closing is not None:
            self._closing.cancel()

    def _cut_reply(self) -> None:
        """The server of the reply in progress is gone: what came of it is all there is."""
        if self._progress.unfinished is not None:
            self._deliver(self._progress.unfinished)

    @abstractmethod
    def _deliver(self, event: Event) -> None:
        """Hand an event of the client's counting to whoever reads them."""

    @abstractmethod
    def _check(self) -> None:
        """:raises SessionClosed: when nothing more can be put in."""

    @abstractmethod
    def _put(self, item: wire.Input) -> object:
        """Queue an input.

        :raises SessionClosed: when nothing more can be put in.
        """

    @abstractmethod
    async def _ask(self, item: wire.Input) -> None:
        """Do something that the server may refuse; the refusal reaches the caller."""


def settle(waiting: asyncio.Future[None] | None, error: str) -> None:
    """Answer whoever still waits; without an error all is well."""
    if waiting is None or waiting.done():
        return
    if error:
        waiting.set_exception(RuntimeFailure(error))
        waiting.exception()
    else:
        waiting.set_result(None)

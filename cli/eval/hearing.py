"""One item heard by one session: the sound goes in, and what the model did comes out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from interject.agent.framing import Framer
from interject.model_runtime.protocol import (
    Cause,
    Closed,
    Decision,
    Gap,
    ReplyEnded,
    ReplyStarted,
    RuntimeBusy,
    SessionClosed,
    readable,
)
from interject.training.sound_benchmark.scoring import ItemOutcome

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import numpy as np
    from numpy.typing import NDArray

    from interject.model_runtime.protocol import (
        Event,
        Frame,
        Runtime,
        RuntimeSession,
        SessionOptions,
    )

LONGEST_WAIT_S = 60.0
"""A stream of which nothing more comes for so long is given up; so is one without a slot."""


class FrameListener(Protocol):
    """Follows one session that hears frame by frame. With a `problem` it is over."""

    problem: str

    @property
    def over(self) -> bool: ...

    def sends(self, seq: int) -> None: ...

    def has_settled(self, seq: int) -> bool:
        """Whether a frame is decided, and the reply to it is whole."""

    def take(self, event: Event) -> None: ...


@dataclass(frozen=True, slots=True)
class HeardItem:
    """What a model did on one stream. `chunk` is the one after which it responded."""

    outcome: ItemOutcome
    chunks: int
    chunk: int | None = None
    most_p_respond: float | None = None
    reply: str = ""
    problem: str = ""


async def hear(
    runtime: Runtime,
    options: SessionOptions,
    pcm: NDArray[np.int16],
    *,
    longest_wait_s: float = LONGEST_WAIT_S,
) -> HeardItem:
    """Play samples in step with the decisions, to the first reply's end or to their own.

    Only samples are given away: no name of a file, no folder, no label.

    :raises RuntimeFailure: when no session can be opened.
    """
    frames = as_frames(pcm)
    listener = _Listener(len(frames))
    await play(runtime, options, frames, listener, longest_wait_s=longest_wait_s)
    return listener.heard()


def as_frames(pcm: NDArray[np.int16]) -> list[Frame]:
    framer = Framer()
    return [*framer.push(pcm, 0.0), *framer.finish()]


async def play(
    runtime: Runtime,
    options: SessionOptions,
    frames: list[Frame],
    listener: FrameListener,
    *,
    longest_wait_s: float,
) -> None:
    """One session hears the frames, each when the one before has settled, until it is over.

    :raises RuntimeFailure: when no session can be opened.
    """
    session = await _opened(runtime, options, longest_wait_s)
    try:
        await _play(session, frames, listener, longest_wait_s)
    except TimeoutError:
        listener.problem = f"nothing came for {longest_wait_s:g} s"
    except SessionClosed:
        listener.problem = listener.problem or "the session had closed"
    finally:
        await session.close()


async def _opened(
    runtime: Runtime, options: SessionOptions, longest_wait_s: float
) -> RuntimeSession:
    """Who else uses the runtime may have taken the slots for a while."""
    now = asyncio.get_running_loop().time
    until = now() + longest_wait_s
    while True:
        try:
            return await runtime.open(options)
        except RuntimeBusy as busy:
            if now() + busy.retry_after_s > until:
                raise
            await asyncio.sleep(busy.retry_after_s)


async def _play(
    session: RuntimeSession, frames: list[Frame], listener: FrameListener, longest_wait_s: float
) -> None:
    events = session.events()
    for frame in frames:
        listener.sends(frame.seq)
        await session.push(frame)
        if frame.seq == frames[-1].seq:
            await session.finish()
        while not listener.has_settled(frame.seq):
            listener.take(await _next_event(events, longest_wait_s))
        if listener.over:
            return


async def _next_event(events: AsyncIterator[Event], longest_wait_s: float) -> Event:
    async with asyncio.timeout(longest_wait_s):
        try:
            return await anext(events)
        except StopAsyncIteration:
            raise SessionClosed("the events have ended") from None


class _Listener:
    """Follows one session up to its first reply, which is all that the benchmark asks for."""

    def __init__(self, chunks: int) -> None:
        self.problem = ""
        self._chunks = chunks
        self._decided_seq = -1
        self._responded_at: int | None = None
        self._reply: ReplyEnded | None = None
        self._most_p_respond: float | None = None

    @property
    def over(self) -> bool:
        return bool(self._reply or self.problem)

    def sends(self, seq: int) -> None:
        """When that was tells nothing here."""

    def has_settled(self, seq: int) -> bool:
        return self.over or (self._decided_seq >= seq and self._responded_at is None)

    def take(self, event: Event) -> None:
        match event:
            case Decision(seq=seq, p_respond=p_respond, respond=respond):
                self._decided_seq = seq
                self._most_p_respond = max(p_respond, self._most_p_respond or 0.0)
                if respond and self._responded_at is None:
                    self._responded_at = seq
            case ReplyStarted(seq=seq, cause=Cause.MODEL):
                self._responded_at = seq
            case ReplyEnded():
                self._reply = event
            case Gap(first_seq=first, count=count):
                self.problem = f"{count} chunks from {first} on were not heard"
            case Closed(reason=reason, detail=detail):
                self.problem = f"the session closed ({reason}): {detail}".removesuffix(": ")

    def heard(self) -> HeardItem:
        return HeardItem(
            outcome=self._outcome(),
            chunks=self._chunks,
            chunk=self._responded_at,
            most_p_respond=self._most_p_respond,
            reply=self._reply.text if self._reply else "",
            problem="" if self._reply else self.problem,
        )

    def _outcome(self) -> ItemOutcome:
        if self._reply is not None:
            return ItemOutcome.RESPOND if readable(self._reply.text) else ItemOutcome.UNPARSED
        if self.problem or self._decided_seq < self._chunks - 1:
            return ItemOutcome.MISSING
        return ItemOutcome.IGNORE

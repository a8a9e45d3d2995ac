"""Another system in the place of a runtime, so that it is measured by the same streams and scenes.

An `AnsweringPeer` hears the last seconds of sound now and then, and answers or stays silent. That
is all it takes to compare a model that knows no streams: `PeerRuntime` makes decisions of it.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from interject.agent.sound_file import as_wav
from interject.model_runtime.protocol import (
    FRAME_S,
    Cause,
    Closed,
    CloseReason,
    Decision,
    Emotion,
    EndReason,
    ReplyDelta,
    ReplyEnded,
    ReplyStarted,
    RuntimeFailure,
    SessionClosed,
)
from interject.training.endpoints.failures import EndpointFailure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from interject.model_runtime.protocol import Event, FloorMode, Frame, SessionOptions

CERTAIN = 10.0
"""The logits of somebody who gives none lie so far apart."""


class AnsweringPeer(Protocol):
    """Called in a thread; several may be at once."""

    def answer(self, system_prompt: str, wav: bytes) -> str:
        """What it says to a WAV of 16 kHz; empty: nothing.

        :raises EndpointFailure: when it cannot be asked.
        """

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class PeerPace:
    """Asked after every `every_chunks` chunks, about the last `window_chunks` at most."""

    every_chunks: int = 5
    window_chunks: int = 20


class PeerRuntime:
    """A `Runtime`. What it is asked about begins anew behind a reply: nothing is answered twice."""

    def __init__(self, peer: AnsweringPeer, pace: PeerPace) -> None:
        self._peer = peer
        self._pace = pace
        self._sessions: set[PeerSession] = set()
        self.failure: str | None = None
        """Why it cannot be asked; sessions are refused from then on."""

    async def open(self, options: SessionOptions) -> PeerSession:
        """:raises RuntimeFailure: when the peer could not be asked before."""
        if self.failure is not None:
            raise RuntimeFailure(self.failure)
        session = PeerSession(self, self._peer, self._pace, options)
        self._sessions.add(session)
        return session

    async def aclose(self) -> None:
        for session in self._sessions:
            await session.close()
        self._peer.close()


class PeerSession:
    """A `RuntimeSession`. Frames wait while the peer thinks, as they do behind an engine."""

    def __init__(
        self, runtime: PeerRuntime, peer: AnsweringPeer, pace: PeerPace, options: SessionOptions
    ) -> None:
        self._runtime = runtime
        self._peer = peer
        self._pace = pace
        self._options = options
        self._frames: asyncio.Queue[Frame | None] = asyncio.Queue()
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._heard: list[bytes] = []
        self._replies = 0
        self._over = False
        self._task = asyncio.create_task(self._run(), name=f"peer-{options.session_id}")

    @property
    def session_id(self) -> str:
        return self._options.session_id

    async def push(self, frame: Frame) -> None:
        self._check()
        self._frames.put_nowait(frame)

    async def finish(self) -> None:
        self._check()
        self._frames.put_nowait(None)

    async def text_turn(self, text: str, *, answer: bool = True) -> None:
        """A peer hears only."""

    async def say(self, text: str, *, emotion: Emotion = Emotion.NORMAL) -> None:
        """A peer hears only."""

    async def answer_now(self) -> None:
        """A peer hears only."""

    async def cancel(self, reply_id: int, *, heard_chars: int) -> None:
        """Its replies are whole as soon as they are there."""

    async def heard(self, reply_id: int, *, chars: int) -> None:
        """It keeps nothing of what was said."""

    async def update(
        self, *, threshold: float | None = None, mode: FloorMode | None = None
    ) -> None:
        """It gives no P(respond)."""

    async def events(self) -> AsyncIterator[Event]:
        while (event := await self._events.get()) is not None:
            yield event

    async def close(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._end(CloseReason.CLIENT)

    def _check(self) -> None:
        if self._over:
            raise SessionClosed("the session of a peer has ended")

    async def _run(self) -> None:
        try:
            while (frame := await self._frames.get()) is not None:
                await self._hear(frame)
        except EndpointFailure as exc:
            self._runtime.failure = str(exc)
            self._end(CloseReason.FAILURE, str(exc))
        else:
            self._end(CloseReason.CLIENT)

    async def _hear(self, frame: Frame) -> None:
        self._heard = [*self._heard, frame.pcm][-self._pace.window_chunks :]
        text = ""
        if (frame.seq + 1) % self._pace.every_chunks == 0:
            sound = as_wav(b"".join(self._heard))
            prompt = self._options.system_prompt or ""
            text = await asyncio.to_thread(self._peer.answer, prompt, sound)
        self._events.put_nowait(self._decision(frame, respond=bool(text)))
        if text:
            self._heard = []
            self._reply(frame.seq, text)

    def _decision(self, frame: Frame, *, respond: bool) -> Decision:
        return Decision(
            session_id=self.session_id,
            seq=frame.seq,
            captured_at=frame.captured_at,
            silent_logit=0.0 if respond else CERTAIN,
            respond_logit=CERTAIN if respond else 0.0,
            p_respond=float(respond),
            respond=respond,
            mode=self._options.mode,
            speakers=frame.speakers,
        )

    def _reply(self, seq: int, text: str) -> None:
        name, number, mode = self.session_id, self._replies, self._options.mode
        self._replies += 1
        for event in (
            ReplyStarted(name, number, seq, Emotion.NORMAL, Cause.MODEL, mode),
            ReplyDelta(name, number, (), text),
            ReplyEnded(name, number, EndReason.COMPLETE, text, 0),
        ):
            self._events.put_nowait(event)

    def _end(self, reason: CloseReason, detail: str = "") -> None:
        if self._over:
            return
        self._over = True
        self._events.put_nowait(Closed(self.session_id, reason, detail))
        self._events.put_nowait(None)


def chunks_of(seconds: float) -> int:
    return max(1, round(seconds / FRAME_S))

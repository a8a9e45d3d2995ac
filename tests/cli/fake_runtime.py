"""A runtime that answers loud frames, without a model."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np

from interject.cli.output.levels import level_dbfs
from interject.model_runtime.protocol import (
    Cause,
    Closed,
    CloseReason,
    Decision,
    Emotion,
    EndReason,
    ReplyDelta,
    ReplyEnded,
    ReplyStarted,
    SessionClosed,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from interject.model_runtime.protocol import Event, FloorMode, Frame, SessionOptions

LOUD_DBFS = -12.0
WORDS = ("I ", "heard ", "something ", "loud.")


class LoudnessSession:
    """Responds to every frame above `LOUD_DBFS`; `endless` replies end only when cancelled."""

    def __init__(self, options: SessionOptions, *, endless: bool) -> None:
        self.options = options
        self.seqs: list[int] = []
        self.cancelled: list[tuple[int, int]] = []
        self._endless = endless
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._replies = 0
        self._closed = False

    @property
    def session_id(self) -> str:
        return self.options.session_id

    async def push(self, frame: Frame) -> None:
        if self._closed:
            raise SessionClosed("closed")
        self.seqs.append(frame.seq)
        respond = level_dbfs(np.frombuffer(frame.pcm, dtype="<i2")) > LOUD_DBFS
        logits = (0.0, 2.0) if respond else (2.0, 0.0)
        p_respond = 0.88 if respond else 0.12
        self._put(
            Decision(
                self.session_id,
                frame.seq,
                frame.captured_at,
                *logits,
                p_respond,
                respond,
                self.options.mode,
            )
        )
        if respond:
            self._reply(frame.seq)

    async def finish(self) -> None:
        await self.close()

    async def text_turn(self, text: str, *, answer: bool = True) -> None:
        raise NotImplementedError

    async def say(self, text: str, *, emotion: Emotion = Emotion.NORMAL) -> None:
        raise NotImplementedError

    async def answer_now(self) -> None:
        raise NotImplementedError

    async def cancel(self, reply_id: int, *, heard_chars: int) -> None:
        self.cancelled.append((reply_id, heard_chars))
        text = "".join(WORDS)[:heard_chars]
        self._put(ReplyEnded(self.session_id, reply_id, EndReason.CANCELLED, text, len(WORDS)))

    async def heard(self, reply_id: int, *, chars: int) -> None:
        return

    async def update(
        self, *, threshold: float | None = None, mode: FloorMode | None = None
    ) -> None:
        return

    async def events(self) -> AsyncIterator[Event]:
        while (event := await self._events.get()) is not None:
            yield event

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._put(Closed(self.session_id, CloseReason.CLIENT))
            self._events.put_nowait(None)

    def _put(self, event: Event) -> None:
        self._events.put_nowait(event)

    def _reply(self, seq: int) -> None:
        sid, reply_id = self.session_id, self._replies
        self._replies += 1
        self._put(ReplyStarted(sid, reply_id, seq, Emotion.NORMAL, Cause.MODEL, self.options.mode))
        for token, word in enumerate(WORDS):
            self._put(ReplyDelta(sid, reply_id, (token,), word))
        if not self._endless:
            text = "".join(WORDS)
            self._put(ReplyEnded(sid, reply_id, EndReason.COMPLETE, text, len(WORDS)))


class LoudnessRuntime:
    """Keeps its sessions for a test to look at."""

    def __init__(self, *, endless: bool = False) -> None:
        self.sessions: list[LoudnessSession] = []
        self._endless = endless

    async def open(self, options: SessionOptions) -> LoudnessSession:
        self.sessions.append(LoudnessSession(options, endless=self._endless))
        return self.sessions[-1]

    async def aclose(self) -> None:
        for session in self.sessions:
            await session.close()

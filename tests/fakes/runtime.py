"""A runtime without a model: it decides as its script says and records what it is told."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import (
    Cause,
    Closed,
    CloseReason,
    Decision,
    Emotion,
    EndReason,
    Event,
    Frame,
    Gap,
    GapReason,
    ReplyDelta,
    ReplyEnded,
    ReplyStarted,
    RuntimeBusy,
    RuntimeFailure,
    SessionClosed,
    SessionOptions,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from interject.model_runtime.protocol import FloorMode


MAX_TEXT_CHARS = 1_000


@dataclass(frozen=True, slots=True)
class Scripted:
    """What to reply after a frame. Without `whole` the reply stays unfinished."""

    text: str
    emotion: Emotion = Emotion.NORMAL
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Cancelled:
    reply_id: int
    heard_chars: int


class FakeRuntimeSession:
    """Answers in the same call that asks, so that tests have one order of events."""

    def __init__(
        self,
        options: SessionOptions,
        script: Mapping[int, Scripted],
        *,
        deciding: bool,
        answering: bool = True,
    ) -> None:
        self.most_chars = MAX_TEXT_CHARS
        self.options = options
        self.frames: list[Frame] = []
        self.cancelled: list[Cancelled] = []
        self.heard_reports: list[tuple[int, int]] = []
        self.updates: list[tuple[float | None, FloorMode | None]] = []
        self.told: list[str] = []
        self.said: list[str] = []
        self.replies = 0
        self._script = dict(script)
        self._deciding = deciding
        self._answering = answering
        self._mode = options.mode
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._closed = False

    @property
    def session_id(self) -> str:
        return self.options.session_id

    async def push(self, frame: Frame) -> None:
        self._check()
        next_seq = self.frames[-1].seq + 1 if self.frames else 0
        self.frames.append(frame)
        if frame.seq > next_seq:
            missed = frame.seq - next_seq
            self.emit(Gap(self.session_id, next_seq, missed, GapReason.MISSING))
        if self._deciding:
            self.decide(frame)

    def decide(self, frame: Frame) -> None:
        scripted = self._script.get(frame.seq)
        p = 0.9 if scripted else 0.1
        self.emit(
            Decision(
                session_id=self.session_id,
                seq=frame.seq,
                captured_at=frame.captured_at,
                silent_logit=0.0,
                respond_logit=2.2 if scripted else -2.2,
                p_respond=p,
                respond=scripted is not None,
                mode=self._mode,
                speakers=frame.speakers,
            )
        )
        if scripted:
            self.reply(scripted, cause=Cause.MODEL)

    def reply(self, scripted: Scripted, *, cause: Cause) -> int:
        reply_id, self.replies = self.replies, self.replies + 1
        seq = self.frames[-1].seq if self.frames else -1
        self.emit(ReplyStarted(self.session_id, reply_id, seq, scripted.emotion, cause, self._mode))
        for word in scripted.text.split(" "):
            text = word if word == scripted.text.split(" ")[0] else f" {word}"
            self.emit(ReplyDelta(self.session_id, reply_id, (1,), text))
        if scripted.whole:
            self.end_reply(reply_id, scripted.text)
        return reply_id

    def end_reply(self, reply_id: int, text: str, reason: EndReason = EndReason.COMPLETE) -> None:
        count = len(text.split())
        self.emit(ReplyEnded(self.session_id, reply_id, reason, text, count))

    def emit(self, event: Event) -> None:
        self._events.put_nowait(event)

    def break_off(self, detail: str) -> None:
        self._end(Closed(self.session_id, CloseReason.FAILURE, detail))

    async def finish(self) -> None:
        self._check()
        self._end(Closed(self.session_id, CloseReason.CLIENT))

    async def text_turn(self, text: str, *, answer: bool = True) -> None:
        self._check()
        if len(text) > self.most_chars:
            raise RuntimeFailure(f"the text has {len(text)} characters, this fake takes fewer")
        if answer:
            self.reply(Scripted(f"You wrote {text}."), cause=Cause.TEXT_TURN)
        else:
            self.told.append(text)

    async def say(self, text: str, *, emotion: Emotion = Emotion.NORMAL) -> None:
        self._check()
        if len(text) > self.most_chars:
            raise RuntimeFailure(f"the text has {len(text)} characters, this fake takes fewer")
        self.said.append(text)
        self.reply(Scripted(text, emotion), cause=Cause.SAY)

    async def answer_now(self) -> None:
        self._check()
        if self._answering:
            self.reply(Scripted("All right."), cause=Cause.ANSWER_NOW)

    async def cancel(self, reply_id: int, *, heard_chars: int) -> None:
        self._check()
        self.cancelled.append(Cancelled(reply_id, heard_chars))

    async def heard(self, reply_id: int, *, chars: int) -> None:
        self._check()
        self.heard_reports.append((reply_id, chars))

    async def update(
        self, *, threshold: float | None = None, mode: FloorMode | None = None
    ) -> None:
        self._check()
        self.updates.append((threshold, mode))
        self._mode = mode or self._mode

    async def events(self) -> AsyncIterator[Event]:
        while (event := await self._events.get()) is not None:
            yield event

    async def close(self) -> None:
        if not self._closed:
            self._end(Closed(self.session_id, CloseReason.CLIENT))

    def _check(self) -> None:
        if self._closed:
            raise SessionClosed("the session has ended")

    def _end(self, closed: Closed) -> None:
        self._closed = True
        self.emit(closed)
        self._events.put_nowait(None)


@dataclass
class FakeRuntime:
    """`script` maps a frame's seq to the reply after it; `slots` is how many fit at once.

    With `deciding=False` a test decides by hand, through `FakeRuntimeSession.decide`; without
    `answering` nothing comes when a reply is asked for.
    """

    script: Mapping[int, Scripted] = field(default_factory=dict)
    slots: int = 4
    deciding: bool = True
    answering: bool = True
    sessions: list[FakeRuntimeSession] = field(default_factory=list)

    async def open(self, options: SessionOptions) -> FakeRuntimeSession:
        if len(self.sessions) >= self.slots:
            raise RuntimeBusy("every slot is taken", retry_after_s=1.0)
        session = FakeRuntimeSession(
            options, self.script, deciding=self.deciding, answering=self.answering
        )
        self.sessions.append(session)
        return session

    async def aclose(self) -> None:
        for session in self.sessions:
            await session.close()

"""Sessions to look at: real calls with a model that acts, and sound that nobody made."""

from __future__ import annotations

import asyncio
import math
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from interject.config import load_profile
from interject.integrations.conversation.role import Role
from interject.integrations.conversation.switchboard import Switchboard
from interject.integrations.web.screen_line import ScreenLine
from interject.model_runtime.protocol import (
    FRAME_SAMPLES,
    SAMPLE_RATE_HZ,
    Cause,
    Closed,
    CloseReason,
    Decision,
    Emotion,
    EndReason,
    Event,
    ReplyDelta,
    ReplyEnded,
    ReplyStarted,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from numpy.typing import NDArray

    from interject.agent.records.store import RecordStore
    from interject.config import Profile
    from interject.integrations.conversation.call_follower import CallsFollower
    from interject.model_runtime.protocol import FloorMode, Frame, SessionOptions

BLOCK = 320
BLOCK_S = BLOCK / SAMPLE_RATE_HZ
CARDS = (
    "[done greeting]",
    "[question] She asks whether the fee is waived for the first year: it is.",
    "[done recording]",
    "[objection] Compare with what she pays now: 12 euros less a month.",
    "[upset] Say that you understand, then what happens next.",
    "[done identity]",
    "[cancel] Offer the pause of three months before you cancel.",
)
WORDS = (
    "The timer has run out; the bread should come out now.",
    "You said Thursday before, and the calendar has Friday.",
    "That was the smoke alarm in the kitchen.",
)
REPLY_EVERY = 14
WORD_S = 0.03
LOOK_S = 0.1


class ActingSession:
    """Decides at once, and replies now and then with the next of its lines."""

    def __init__(self, options: SessionOptions, lines: Sequence[str], seed: int) -> None:
        self.session_id = options.session_id
        self._lines = lines
        self._random = random.Random(seed)
        self._mode = options.mode
        self._threshold = options.threshold
        self._seq = -1
        self._replies = 0
        self._next_at = 4 + seed % REPLY_EVERY
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._speaking: set[asyncio.Task[None]] = set()

    async def push(self, frame: Frame) -> None:
        self._seq = frame.seq
        due = frame.seq >= self._next_at
        near = math.exp(-((self._next_at - frame.seq) ** 2) / 6)
        chance = 0.93 if due else min(0.6, 0.02 + 0.45 * near + 0.06 * self._random.random())
        respond = chance > self._threshold
        self._events.put_nowait(
            Decision(
                session_id=self.session_id, seq=frame.seq, captured_at=frame.captured_at,
                silent_logit=0.0, respond_logit=math.log(chance / (1 - chance)), p_respond=chance,
                respond=respond, mode=self._mode, speakers=frame.speakers,
                queued_s=0.03 + 0.05 * self._random.random() ** 3,
            )
        )  # fmt: skip
        if due and respond:
            self._next_at = frame.seq + REPLY_EVERY + self._random.randrange(6)
            self._reply(self._lines[self._replies % len(self._lines)], Cause.MODEL)

    async def say(self, text: str, *, emotion: Emotion = Emotion.NORMAL) -> None:
        self._reply(text, Cause.SAY, emotion)

    async def answer_now(self) -> None:
        self._reply(self._lines[self._replies % len(self._lines)], Cause.ANSWER_NOW)

    async def text_turn(self, text: str, *, answer: bool = True) -> None:
        if answer:
            await self.answer_now()

    async def update(
        self, *, threshold: float | None = None, mode: FloorMode | None = None
    ) -> None:
        self._threshold = self._threshold if threshold is None else threshold
        self._mode = mode or self._mode

    async def cancel(self, reply_id: int, *, heard_chars: int) -> None:
        """It has no memory."""

    async def heard(self, reply_id: int, *, chars: int) -> None:
        """Likewise."""

    async def finish(self) -> None:
        await self.close()

    async def close(self) -> None:
        for task in self._speaking:
            task.cancel()
        self._events.put_nowait(Closed(self.session_id, CloseReason.CLIENT))
        self._events.put_nowait(None)

    async def events(self) -> AsyncIterator[Event]:
        while (event := await self._events.get()) is not None:
            yield event

    def _reply(self, text: str, cause: Cause, emotion: Emotion | None = None) -> None:
        number, self._replies = self._replies, self._replies + 1
        urgent = "alarm" in text or "[cancel]" in text
        emotion = emotion or (Emotion.URGENT if urgent else Emotion.NORMAL)
        task = asyncio.create_task(self._write(number, text, cause, emotion))
        self._speaking.add(task)
        task.add_done_callback(self._speaking.discard)

    async def _write(self, number: int, text: str, cause: Cause, emotion: Emotion) -> None:
        put, name = self._events.put_nowait, self.session_id
        put(ReplyStarted(name, number, self._seq, emotion, cause, self._mode))
        words = text.split(" ")
        for index, word in enumerate(words):
            await asyncio.sleep(WORD_S)
            put(ReplyDelta(name, number, (1,), f" {word}" if index else word))
        put(ReplyEnded(name, number, EndReason.COMPLETE, text, len(words)))


@dataclass
class ActingRuntime:
    """Every session has the lines of its profile, from another one on."""

    opened: int = 0

    async def open(self, options: SessionOptions) -> ActingSession:
        lines = CARDS if "[done greeting]" in options.system_prompt else WORDS
        shift = self.opened % len(lines) if self.opened > 2 else 0
        self.opened += 1
        return ActingSession(options, (*lines[shift:], *lines[:shift]), self.opened * 5)

    async def aclose(self) -> None:
        """Its sessions end with their calls."""


@dataclass(frozen=True)
class StagedCall:
    """`voices` take turns. Where it is given how long it `lasts_s`, it is kept, with its sound."""

    call_id: str
    door: str
    profile: str
    voices: tuple[str, ...]
    label: str = ""
    lasts_s: float | None = None

    def load(self) -> Profile:
        profile = load_profile(self.profile)
        room = profile.room.model_copy(update={"announce": "none"})
        kept = {} if self.lasts_s is None else {"retention": "everything", "audio": True}
        privacy = profile.privacy.model_copy(update=kept)
        return profile.model_copy(update={"room": room, "privacy": privacy})


@dataclass
class ConsoleStage:
    """Used with `async with`, around calls that go on until it is left."""

    followers: Sequence[CallsFollower]
    calls: Sequence[StagedCall]
    records: RecordStore | None = None
    board: Switchboard = field(init=False)

    def __post_init__(self) -> None:
        runtime = ActingRuntime()
        role = Role(load_profile("default"), runtime)
        self.board = Switchboard(role, runtime, followers=self.followers, records=self.records)
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> ConsoleStage:
        self._tasks = [
            asyncio.create_task(self._play(call, number), name="staged-call")
            for number, call in enumerate(self.calls)
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _play(self, call: StagedCall, number: int) -> None:
        async with self.board.call(
            self.board.reserve(),
            door=call.door,
            call_id=call.call_id,
            line=ScreenLine(call.call_id, None),
            speakers=call.voices,
            profile=call.load(),
            label=call.label,
        ) as agent:
            sound = voices(len(call.voices), seed=number)
            began_at, block = time.monotonic() + 0.4 * random.Random(number).random(), 0
            ends_at = math.inf if call.lasts_s is None else began_at + call.lasts_s
            while time.monotonic() < ends_at:
                due = int((time.monotonic() - began_at) / BLOCK_S)
                for index in range(block, due):
                    start = index * BLOCK % len(sound[0])
                    for name, track in zip(call.voices, sound, strict=True):
                        agent.hear(name, track[start : start + BLOCK])
                block = max(block, due)
                await asyncio.sleep(LOOK_S)


def voices(count: int, *, seed: int, seconds: float = 24.0) -> list[NDArray[np.int16]]:
    """Tracks on which one after another says something, in syllables of noise."""
    source = np.random.default_rng(seed)
    chunks = int(seconds * SAMPLE_RATE_HZ / FRAME_SAMPLES)
    turns = np.zeros((count, chunks))
    chunk, speaker = 0, 0
    while chunk < chunks:
        length, pause = int(source.integers(4, 11)), int(source.integers(1, 4))
        turns[speaker % count, chunk : chunk + length] = source.uniform(
            0.25, 1.0, turns[speaker % count, chunk : chunk + length].shape
        )
        chunk, speaker = chunk + length + pause, speaker + 1
    tracks = np.repeat(turns, FRAME_SAMPLES, axis=1) ** 2
    noise = source.normal(0, 2_500, tracks.shape)
    return [np.clip(track, -32_768, 32_767).astype(np.int16) for track in tracks * noise]

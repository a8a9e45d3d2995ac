"""One scene with the whole agent in it: model, floor, voice, and what cuts it off."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interject.agent.floor import Verdict
from interject.agent.framing import Pacing
from interject.agent.session import AgentSession
from interject.cli.eval.hearing import LONGEST_WAIT_S
from interject.cli.eval.scene_sink import SceneSink
from interject.cli.eval.stream_hearing import as_pcm
from interject.cli.output.decision_progress import DecisionProgress
from interject.cli.output.watched_voice import WatchedVoice
from interject.integrations.audio.block import Block
from interject.integrations.audio.talk_over import TalkOver
from interject.model_runtime.protocol import (
    FRAME_SAMPLES,
    LOOKAHEAD_SAMPLES,
    SAMPLE_RATE_HZ,
    RuntimeFailure,
)
from interject.training.streaming_benchmark.duplex_scene import BARGE_IN_AFTER_S, LEAD_S
from interject.training.streaming_benchmark.duplex_scores import PlayedScene

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from interject.agent.voice import Voice
    from interject.config.profile import Profile
    from interject.model_runtime.protocol import ReplyEnded, ReplyStarted, Runtime
    from interject.training.streaming_benchmark.duplex_scene import DuplexScene

BLOCK_SAMPLES = SAMPLE_RATE_HZ // 50
"""20 ms, as most platforms deliver."""


@dataclass(frozen=True, slots=True)
class SceneSettings:
    """`talk_over`: whether somebody who talks over the agent cuts it, as at the doors."""

    profile: Profile
    threshold: float
    talk_over: bool = True
    longest_wait_s: float = LONGEST_WAIT_S


async def play_scene(
    runtime: Runtime,
    voice: Voice,
    scene: DuplexScene,
    settings: SceneSettings,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> PlayedScene:
    """On the scene's own time: what the machine takes for model and voice is added to the time of
    the first sound, and to nothing else.
    """
    stage = _Stage(scene, voice, settings, clock)
    problem = ""
    session = AgentSession(
        runtime,
        settings.profile,
        voice=stage.voice,
        sink=stage.sink,
        clock=stage.progress.clock,
        observer=stage.progress.follow,
        watcher=stage,
        pacing=Pacing.SAMPLES,
        threshold=settings.threshold,
    )
    try:
        async with session:
            await stage.play(session)
            await session.stop()
    except TimeoutError:
        problem = f"nothing came for {settings.longest_wait_s:g} s"
    except RuntimeFailure as exc:
        problem = str(exc)
    return stage.outcome(problem)


class _Stage:
    """Plays a scene block by block, and notes when the agent was heard."""

    def __init__(
        self,
        scene: DuplexScene,
        voice: Voice,
        settings: SceneSettings,
        clock: Callable[[], float],
    ) -> None:
        self.progress = DecisionProgress()
        self.sink = SceneSink(clock)
        self.voice = WatchedVoice(voice, self._said)
        self._scene = scene
        self._settings = settings
        self._clock = clock
        self._talk_over = TalkOver() if settings.talk_over else None
        self._sound = as_pcm(scene.sound)
        self._over_at_s: float | None = None
        self._stopped_s: float | None = None
        self._sent_at: dict[int, float] = {}
        self._replied_seq: int | None = None
        self._to_say = self._said_count = 0

    def started(self, started: ReplyStarted, verdict: Verdict) -> None:
        if verdict in (Verdict.SPEAK, Verdict.INTERRUPT):
            self._to_say += 1
            if self._replied_seq is None:
                self._replied_seq = started.seq

    def ended(self, started: ReplyStarted, ended: ReplyEnded, verdict: Verdict) -> None:
        """What it says is scored elsewhere."""

    async def play(self, session: AgentSession) -> None:
        for at in range(0, len(self._sound) - BLOCK_SAMPLES + 1, BLOCK_SAMPLES):
            now_s = at / SAMPLE_RATE_HZ
            self.sink.advance(now_s)
            block = Block(self._block(at, now_s), now_s)
            await self._maybe_cut(session, block, now_s)
            if self._stopped_s is not None:
                return
            seq = (at + BLOCK_SAMPLES - LOOKAHEAD_SAMPLES) // FRAME_SAMPLES - 1
            fresh = seq >= 0 and seq not in self._sent_at
            if fresh:
                self._sent_at[seq] = self._clock()
            await session.push_audio(block.samples, now_s)
            if fresh:
                async with asyncio.timeout(self._settings.longest_wait_s):
                    await self.progress.wait_for(seq, quiet=self._is_quiet)

    def outcome(self, problem: str) -> PlayedScene:
        stopped_ms = None
        if self._stopped_s is not None and self._over_at_s is not None:
            stopped_ms = 1_000 * (self._stopped_s - self._over_at_s)
        return PlayedScene(
            kind=self._scene.kind,
            id=self._scene.scene_id,
            spoke_ms=self._spoke_ms(),
            talked_over=self._over_at_s is not None,
            stopped_ms=stopped_ms,
            problem=problem,
        )

    def _block(self, at: int, now_s: float) -> NDArray[np.int16]:
        """What is heard from outside: the scene, and who talks over the agent."""
        block = self._sound[at : at + BLOCK_SAMPLES]
        over = self._scene.interruption
        if over is None:
            return block
        first = self.sink.first_heard_s
        if (
            self._over_at_s is None
            and first is not None
            and self._asked_by(now_s)
            and now_s >= first + BARGE_IN_AFTER_S
            and self.sink.is_heard(now_s)
        ):
            self._over_at_s = now_s
        if self._over_at_s is None:
            return block
        begin = at - round(self._over_at_s * SAMPLE_RATE_HZ)
        spoken = as_pcm(over[begin : begin + BLOCK_SAMPLES]).astype(np.int32)
        mixed = block.astype(np.int32)
        mixed[: len(spoken)] += spoken
        return np.clip(mixed, -32_768, 32_767).astype(np.int16)

    def _asked_by(self, now_s: float) -> bool:
        return self._scene.due_s is not None and now_s >= self._scene.due_s

    async def _maybe_cut(self, session: AgentSession, block: Block, now_s: float) -> None:
        if self._talk_over is None:
            return
        if self._talk_over.cuts(block, speaking=self.sink.is_heard(now_s)):
            await session.interrupt()
            if self._over_at_s is not None:
                self._stopped_s = max(self.sink.heard_until_s, self._over_at_s)

    def _is_quiet(self) -> bool:
        return not self.voice.busy and self._said_count >= self._to_say

    def _said(self) -> None:
        self._said_count += 1
        self.progress.touch()

    def _spoke_ms(self) -> float | None:
        first = self.sink.first_heard_s
        if first is None:
            return None
        asked_s = LEAD_S if self._scene.due_s is None else self._scene.due_s
        if first < asked_s:
            return 1_000 * (first - asked_s)
        return 1_000 * (first - asked_s + self._work_s())

    def _work_s(self) -> float:
        """From the moment the chunk was sent to the first sound of the answer."""
        sent = self._sent_at.get(self._replied_seq if self._replied_seq is not None else -1)
        if sent is None or self.sink.written_at is None:
            return 0.0
        return max(0.0, self.sink.written_at - sent)

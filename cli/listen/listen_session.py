"""One source heard by one agent session, to its end or until somebody stops it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from interject.agent.capture_times import CaptureTimes
from interject.agent.framing import Pacing
from interject.agent.phrases import same_phrase
from interject.cli.input.mono_converter import MonoConverter
from interject.cli.input.threaded_reader import ThreadedReader
from interject.cli.output.decision_progress import DecisionProgress
from interject.cli.output.display import decided_at_s
from interject.cli.output.levels import LevelMeter
from interject.cli.process.failures import InputFailure
from interject.model_runtime.protocol import (
    FRAME_SAMPLES,
    LOOKAHEAD_SAMPLES,
    SAMPLE_RATE_HZ,
    Closed,
    Decision,
    EndReason,
    ReplyEnded,
    SessionClosed,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from interject.agent.session import AgentSession
    from interject.cli.input.sources import RawBlock, Source
    from interject.cli.output.session_observers import SessionObservers
    from interject.cli.output.session_recording import SessionRecording
    from interject.model_runtime.protocol import Event

READ_AHEAD_BLOCKS = 8
ASKED_TO_STOP = "it was asked to stop listening, and has stopped"


class ListenSession:
    """Puts a source into a session in step with its decisions.

    Nothing queues up, so memory stays constant however fast the source is, and what the model
    hears after a reply does not depend on the speed of the machine.
    """

    def __init__(
        self,
        source: Source,
        *,
        recording: SessionRecording,
        observers: SessionObservers,
        real_time: bool,
        clock: Callable[[], float],
        stop_replies: tuple[str, ...] = (),
    ) -> None:
        self.source = source
        self.converter = MonoConverter()
        self.progress = DecisionProgress()
        self.interrupted = False
        self.asked_to_stop = False
        self._stop_replies = stop_replies if source.live else ()
        self._recording = recording
        self._observers = observers
        self._real_time = real_time and not source.live
        self._clock = clock
        self._times = CaptureTimes(clock)
        self._started_s = 0.0
        self._meter = LevelMeter()
        self._pushed_samples = 0
        self._voice_busy: Callable[[], bool] = lambda: False

    @property
    def notices(self) -> tuple[str, ...]:
        stopped = (ASKED_TO_STOP,) if self.asked_to_stop else ()
        return (*self.source.notices, *self.converter.notices(), *stopped)

    @property
    def pacing(self) -> Pacing:
        return Pacing.WALL_CLOCK if self.source.live else Pacing.SAMPLES

    def since_start_s(self) -> float:
        return self._clock() - self._started_s

    def interrupt(self) -> None:
        self.interrupted = True
        self.progress.stop()

    def observe(self, event: Event) -> None:
        """Pass an event on to whoever watches."""
        if isinstance(event, Closed) and (cut := self.progress.cut_reply()) is not None:
            self._observers.show(cut, level_dbfs=0.0)
        level_dbfs = self._meter.take(event.seq) if isinstance(event, Decision) else 0.0
        self._observers.show(event, level_dbfs=level_dbfs)
        self.progress.follow(event)
        self._recording.settle(self.progress.decided_seq)
        if isinstance(event, ReplyEnded) and self._promises_to_stop(event):
            self.asked_to_stop = True
        if self._observers.left or self.asked_to_stop:
            self.progress.stop()

    async def run(self, session: AgentSession, *, voice_busy: Callable[[], bool]) -> None:
        """Hear everything, then wait for the last word; or stop at once when told to."""
        self._voice_busy = voice_busy
        self._started_s = self._clock()
        with contextlib.suppress(SessionClosed):
            await self._feed(session)
        await self._pace(self._recording.heard_s)
        if self.progress.stopped and not self.asked_to_stop:
            await session.stop()
        else:
            await self._finish(session)

    def _promises_to_stop(self, reply: ReplyEnded) -> bool:
        """Whoever is there believes it; a recording is heard to its end, whatever is said in it."""
        whole = reply.reason is EndReason.COMPLETE
        return whole and same_phrase(reply.text, self._stop_replies)

    async def _feed(self, session: AgentSession) -> None:
        """Who stops a pipeline ends its source as well: that is no fault of the source then."""
        reader = ThreadedReader(self.source.blocks(), depth=READ_AHEAD_BLOCKS)
        stopper = asyncio.create_task(self._stop_reader(reader), name="stopper")
        try:
            async for block in reader:
                if self.progress.stopped:
                    return
                await self._hear(session, self.converter.push(block))
            if not self.progress.stopped:
                await self._hear(session, self.converter.finish())
        except InputFailure:
            if not self.progress.stopped:
                raise
        finally:
            stopper.cancel()

    async def _stop_reader(self, reader: ThreadedReader[RawBlock]) -> None:
        """A source that says nothing must not keep a stopped session waiting."""
        await self.progress.wait_until_stopped()
        reader.stop()

    async def _finish(self, session: AgentSession) -> None:
        """Ctrl-C may still come while the last reply is spoken."""
        finishing = asyncio.create_task(session.finish(), name="finish")
        stopping = asyncio.create_task(self.progress.wait_until_stopped(), name="stopping")
        await asyncio.wait({finishing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if self.interrupted:
            await session.stop()
        await finishing

    async def _hear(self, session: AgentSession, samples: NDArray[np.int16]) -> None:
        """Push up to where a frame becomes complete, wait for its decision, and so on."""
        captured_at_s = self._captured_at_s(samples.size / SAMPLE_RATE_HZ)
        while samples.size and not self.progress.stopped:
            seq, beyond = divmod(self._pushed_samples - LOOKAHEAD_SAMPLES, FRAME_SAMPLES)
            piece = samples[: FRAME_SAMPLES - beyond]
            samples = samples[len(piece) :]
            await self._push(session, piece, captured_at_s)
            captured_at_s += len(piece) / SAMPLE_RATE_HZ
            if len(piece) == FRAME_SAMPLES - beyond:
                await self._decided(seq)

    def _captured_at_s(self, duration_s: float) -> float:
        if self.source.live:
            return self._times.of(duration_s)
        return self._pushed_samples / SAMPLE_RATE_HZ

    async def _push(
        self, session: AgentSession, piece: NDArray[np.int16], captured_at_s: float
    ) -> None:
        self._meter.hear(piece)
        self._recording.hear(piece)
        self._pushed_samples += len(piece)
        await session.push_audio(piece, captured_at_s)

    async def _decided(self, seq: int) -> None:
        if self.source.live or seq < 0:
            return
        await self._pace(decided_at_s(seq))
        await self.progress.wait_for(seq, quiet=lambda: not self._voice_busy())

    async def _pace(self, at_s: float) -> None:
        """In real time, wait until a moment of the source is due."""
        wait_s = self._started_s + at_s - self._clock()
        if not self._real_time or wait_s <= 0:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self.progress.wait_until_stopped()

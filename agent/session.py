"""One agent on one stream: audio in, frames, decisions, replies, voice out.

The module is long because it is all that can be asked of an agent, most of it passed on.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from typing import TYPE_CHECKING, Self

from interject.agent.clearest import clearest
from interject.agent.event_dispatcher import EventDispatcher
from interject.agent.floor import BargeIn, Floor, FloorState, never
from interject.agent.frame_sender import FrameSender
from interject.agent.framing import Pacing
from interject.agent.options import session_options
from interject.agent.output_dispatcher import OutputDispatcher
from interject.agent.outputs import stream_time_s
from interject.agent.profiled_runtime import ProfiledRuntime
from interject.agent.replies import Replies
from interject.agent.reply_reports import ReplyReports
from interject.agent.sinks import AudioSink, TimelineSink
from interject.agent.speech_player import SpeechPlayer
from interject.agent.statistics import SessionStatistics
from interject.agent.voice.none import SilentVoice
from interject.model_runtime.protocol import (
    Closed,
    Emotion,
    FloorMode,
    GapReason,
    RuntimeFailure,
    SessionClosed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray

    from interject.agent.outputs import Output
    from interject.agent.replies import ReplyWatcher
    from interject.agent.responder.responder import Responder
    from interject.agent.responder.tools.operator import Operator
    from interject.agent.time_line import LiveLimits
    from interject.agent.voice.base import Voice, WordTiming
    from interject.config import Profile
    from interject.model_runtime.protocol import Event, Frame, Runtime, RuntimeSession, Speaker

MAX_UNDECIDED_FRAMES = 64
"""A file is read no further ahead of the model than this: 25.6 s, about 0.8 MB."""


class AgentSession:
    """Used with `async with`; leaving the block ends the session, and sound with it.

    With `Pacing.SAMPLES` (a file) `push_audio` waits while the model is far behind; with
    another one (anything live) it never waits, and the runtime reports what it sheds.
    `readers`: outputs reach people's eyes, so that a reply whose voice fails is read instead.
    `responder` is shared by sessions; without it the profile's own is this session's. `operator`
    is asked before a tool that needs a person's yes.
    """

    def __init__(
        self,
        runtime: Runtime,
        profile: Profile,
        *,
        voice: Voice,
        sink: AudioSink | None = None,
        outputs: Sequence[Output] = (),
        clock: Callable[[], float] = time.monotonic,
        session_id: str | None = None,
        observer: Callable[[Event], None] | None = None,
        watcher: ReplyWatcher | None = None,
        readers: bool = False,
        pacing: Pacing = Pacing.SAMPLES,
        limits: LiveLimits | None = None,
        barge_in: BargeIn = never,
        threshold: float | None = None,
        mode: FloorMode | None = None,
        prompt_ids: tuple[int, ...] | None = None,
        responder: Responder | None = None,
        operator: Operator | None = None,
    ) -> None:
        if mode is not None:
            profile = profile.model_copy(update={"mode": mode.value})
        self.session_id = session_id or uuid.uuid4().hex
        self._options = session_options(
            profile, self.session_id, prompt_ids=prompt_ids, threshold=threshold
        )
        self._pacing = pacing
        self._barge_in = barge_in
        self._sink: AudioSink = sink or TimelineSink()
        self._frames = FrameSender(self._send, pacing=pacing, clock=clock, limits=limits)
        self._outputs = OutputDispatcher(outputs)
        self._runtime = ProfiledRuntime(
            runtime, profile, responder, operator=operator, on_asked=self._outputs.put
        )
        self._floor = Floor(
            FloorMode(profile.mode),
            can_speak="spoken" in profile.outputs and not isinstance(voice, SilentVoice),
            unprompted_per_minute=profile.reply.unprompted_per_minute,
            clock=self._stream_time_s if pacing is Pacing.SAMPLES else clock,
        )
        self._reports = ReplyReports(
            self._outputs, readers=readers and "posted" not in profile.outputs
        )
        self._player = player = SpeechPlayer(voice, self._sink, self._floor, self._reports)
        self._replies = Replies(profile, self._floor, player, self._reports, self._outputs, watcher)
        self._dispatcher = EventDispatcher(self._replies, self._player, self._sink, observer)
        self._session: RuntimeSession | None = None
        self._group = asyncio.TaskGroup()
        self._ticker: asyncio.Task[None] | None = None
        self._yielding: asyncio.Task[None] | None = None
        self._done = asyncio.Event()

    async def __aenter__(self) -> Self:
        """:raises RuntimeBusy, RuntimeFailure: when it is full, or refuses the options."""
        self._session = await self._runtime.open(self._options)
        self._reports.attach(self._session)
        await self._group.__aenter__()
        self._group.create_task(self._run(), name=f"session-{self.session_id}")
        if self._pacing is Pacing.WALL_CLOCK:
            self._ticker = self._group.create_task(self._frames.tick_forever(), name="ticker")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None and not self._done.is_set():
            try:
                await self.stop()
            except BaseException as exc:
                kind, error, trace = type(exc), exc, exc.__traceback__
        self._stop_ticking()
        try:
            await self._group.__aexit__(kind, error, trace)
        except BaseExceptionGroup as group:
            raise clearest(group) from None
        finally:
            await self._close_runtime()

    async def push_audio(
        self, samples: NDArray[np.int16], captured_at: float, speakers: Sequence[Speaker] = ()
    ) -> None:
        """Hear 16 kHz mono samples whose first was captured at `captured_at` (seconds).

        :raises SessionClosed: when the runtime has ended the session.
        :raises ValueError: when the samples have another shape or type.
        """
        await self._frames.push(samples, captured_at, speakers)

    async def tick(self) -> None:
        """Close the frames whose time has come; a live session does this by itself."""
        await self._frames.tick()

    async def finish(self) -> None:
        """No sound follows: decide the last frame, and return when the last word is spoken."""
        self._stop_ticking()
        with contextlib.suppress(SessionClosed):
            await self._frames.finish()
            await self._opened.finish()
        await self._done.wait()

    async def stop(self) -> None:
        """End now: be silent, close the runtime's session, and let the outputs finish."""
        self._stop_ticking()
        try:
            await self._replies.mute()
        finally:
            await self._close_runtime()
        await self._done.wait()

    async def wait_ended(self) -> None:
        """Return when the runtime has ended the session and the last word is spoken."""
        await self._done.wait()

    async def interrupt(self) -> None:
        """Barge-in: stop speaking, and keep only what was heard in the model's memory."""
        await self._replies.stop()

    async def set_mode(self, mode: FloorMode) -> None:
        await self._opened.update(mode=mode)
        await self._replies.change_mode(mode)

    async def set_threshold(self, threshold: float) -> None:
        """:raises ValueError: when it is no probability."""
        if not 0 <= threshold <= 1:
            raise ValueError(f"a threshold is a probability from 0 to 1, not {threshold}")
        await self._opened.update(threshold=threshold)

    def set_cap(self, per_minute: int | None) -> None:
        """Unprompted replies a minute; None lifts the cap."""
        self._floor.unprompted_per_minute = per_minute

    def stop_listening(self) -> None:
        """From this moment no sound reaches the model, not even what waits for the next frame.

        Replies that have begun are said to their end; others to what was heard before are not.
        """
        self._frames.stop()
        self._runtime.forget_sound()
        self._replies.deaf = True

    def resume_listening(self) -> None:
        self._frames.resume()
        self._replies.deaf = False

    def forget_sound(self) -> None:
        """What was heard and has not reached the model yet never does."""
        self._frames.forget()
        self._runtime.forget_sound()

    async def say_own(self, text: str) -> None:
        """Words that the model does not learn of; return when they have been said or cut."""
        await self._replies.say_own(text)

    async def say(self, text: str, *, emotion: Emotion = Emotion.NORMAL) -> None:
        await self._opened.say(text, emotion=emotion)

    async def answer_now(self) -> None:
        await self._opened.answer_now()

    async def text_turn(self, text: str, *, answer: bool = True) -> None:
        await self._opened.text_turn(text, answer=answer)

    @property
    def mode(self) -> FloorMode:
        return self._floor.mode

    @property
    def floor_state(self) -> FloorState:
        return self._floor.state

    @property
    def says_reply(self) -> bool:
        return self._player.says_reply

    @property
    def closed(self) -> Closed | None:
        """How the runtime ended the session, once it has."""
        return self._dispatcher.ended

    def heard_words(self) -> tuple[WordTiming, ...]:
        """The words of the present (or last) reply that have been played to their end."""
        return self._player.ledger.heard_words

    def statistics(self) -> SessionStatistics:
        return SessionStatistics(
            framing=self._frames.report(),
            replies=self._reports.counts(),
            decisions=self._dispatcher.decisions,
            missing_gap_frames=self._dispatcher.gaps[GapReason.MISSING],
            overload_gap_frames=self._dispatcher.gaps[GapReason.OVERLOAD],
            voice_failures=self._player.voice_failures,
            output_failures=self._outputs.failed_events,
            outputs_dropped=self._outputs.dropped_events,
            floor=self._floor.state,
            mode=self._floor.mode,
            saying=self._player.saying,
        )

    @property
    def _opened(self) -> RuntimeSession:
        if self._session is None:
            raise RuntimeFailure("the session is not open: use `async with AgentSession(...)`")
        return self._session

    async def _close_runtime(self) -> None:
        with contextlib.suppress(SessionClosed):
            await self._opened.close()
        await self._runtime.aclose()

    async def _send(self, frame: Frame) -> None:
        """Live sound waits for no interruption: while it waited, the clock would fill its time with
        silence.
        """
        if self._player.says_reply and self._barge_in(frame):
            await self._yield_floor()
        await self._opened.push(frame)
        if self._pacing is Pacing.SAMPLES:
            await self._dispatcher.wait_until_near(frame.seq, frames=MAX_UNDECIDED_FRAMES)

    async def _yield_floor(self) -> None:
        if self._pacing is Pacing.SAMPLES:
            await self.interrupt()
        elif self._yielding is None or self._yielding.done():
            self._yielding = self._group.create_task(self.interrupt(), name="barge-in")

    async def _run(self) -> None:
        try:
            async with asyncio.TaskGroup() as outputs:
                outputs.create_task(self._outputs.run(), name="outputs")
                async with asyncio.TaskGroup() as speech:
                    speech.create_task(self._player.run(), name="speech")
                    await self._dispatcher.run(self._opened)
                await self._outputs.close()
        finally:
            self._stop_ticking()
            self._done.set()
        self._dispatcher.raise_failure()

    def _stream_time_s(self) -> float:
        """A file's own time: its minutes may pass in seconds."""
        return stream_time_s(self._dispatcher.decided_seq)

    def _stop_ticking(self) -> None:
        if self._ticker is not None:
            self._ticker.cancel()

"""One ear, one memory and one voice on a call: our own agent session, and the sound around it.

It is long because whatever consent, the call and the runtime switch in it is switched together.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Self

from interject.agent.framing import Pacing
from interject.agent.session import AgentSession
from interject.agent.voice import SilentVoice, VoiceFailure, open_voice
from interject.integrations.audio.block import Block
from interject.integrations.audio.echo import EchoCanceller
from interject.integrations.audio.mixed_stream import MixedStream
from interject.integrations.audio.own_voice import OwnVoice
from interject.integrations.audio.sink_tap import SinkTap
from interject.integrations.audio.talk_over import fresh_talk_over
from interject.integrations.conversation.call_replies import CallReplies
from interject.integrations.conversation.lasting_runtime import LastingRuntime
from interject.integrations.conversation.stop_wish import StopWish
from interject.model_runtime.protocol import RuntimeFailure, SessionClosed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

    import numpy as np
    from numpy.typing import NDArray

    from interject.agent.sinks import AudioSink
    from interject.agent.statistics import SessionStatistics
    from interject.agent.voice import Voice
    from interject.config import Profile
    from interject.integrations.conversation.call_parts import CallParts
    from interject.integrations.conversation.call_replies import CallListener
    from interject.integrations.conversation.reply_log import ReplyLog
    from interject.model_runtime.protocol import FloorMode

logger = logging.getLogger(__name__)

MOST_TEXTS = 16


class CallSession:
    """Used with `async with`. `ended` is set when it has closed; `failure` says why if it was no
    good reason.

    `identity` is the only one who is heard; without it everybody on the call is. It is a
    `Listener`: what consent forbids reaches neither the mixer nor the model.
    """

    def __init__(
        self,
        session_id: str,
        parts: CallParts,
        listener: CallListener,
        log: ReplyLog,
        *,
        mode: FloorMode,
        threshold: float,
        cap: int | None,
        identity: str | None = None,
    ) -> None:
        self.ended = asyncio.Event()
        self.failure: Exception | None = None
        self.identity = identity
        self._session_id = session_id
        self._parts = parts
        self._runtime = LastingRuntime(
            parts.runtime, backoff=parts.backoff, on_frame=parts.on_frame
        )
        self._listener = listener
        self._mode, self._threshold, self._cap = mode, threshold, cap
        profile = parts.role.profile
        wish = StopWish(profile.room.stop_replies, listener.on_wish, identity=identity)
        self._replies = CallReplies(listener, log, wish, parts.clock)
        make_echo = parts.make_echo if profile.room.echo_cancellation and parts.sink else None
        self._own_voice = own = OwnVoice(parts.clock) if make_echo else None
        echo = EchoCanceller(own, make_echo) if own and make_echo else None
        self._stream = MixedStream(wanted=lambda: self._listening, echo=echo, clock=parts.clock)
        self._talk_over = fresh_talk_over(parts.role.barge_in)
        self._speakers: set[str] = set()
        self._excluded: set[str] = set()
        self._listening = True
        self._session: AgentSession | None = None
        self._group: asyncio.TaskGroup | None = None
        self._interrupting: asyncio.Task[None] | None = None
        self._texts = 0
        self._opened = asyncio.Event()
        self._leave = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """:raises RuntimeBusy, RuntimeFailure, VoiceFailure: when it cannot be opened."""
        self._task = asyncio.create_task(self._run(), name=f"call-{self._session_id}")
        try:
            await self._opened.wait()
        except BaseException:
            await self.__aexit__()
            raise
        if self._session is None and self.failure is not None:
            raise self.failure
        return self

    async def __aexit__(self, *_: object) -> None:
        self._leave.set()
        if self._task is not None:
            await asyncio.wait({self._task})

    # Sound

    def hear(self, identity: str, samples: NDArray[np.int16], missing: int = 0) -> None:
        """16 kHz mono."""
        if not self._listening or identity in self._excluded:
            return
        if identity not in self._speakers:
            self._speakers.add(identity)
            self._stream.mixer.add(identity, identity)
        self._stream.mixer.push(identity, samples, missing)
        self._stream.wake()

    def rest(self, identity: str) -> None:
        self._stream.mixer.rest(identity)

    def remove(self, identity: str) -> None:
        self._speakers.discard(identity)
        self._stream.mixer.remove(identity)

    # What consent switches

    def exclude(self, identity: str) -> None:
        self._excluded.add(identity)
        self.remove(identity)
        self._stream.forget()
        self._runtime.forget_sound()
        if self._session is not None:
            self._session.forget_sound()

    def include(self, identity: str) -> None:
        self._excluded.discard(identity)

    def stop_listening(self) -> None:
        self._listening = False
        for identity in tuple(self._speakers):
            self.remove(identity)
        self._stream.forget()
        self._runtime.forget_sound()
        if self._session is not None:
            self._session.stop_listening()

    def resume_listening(self) -> None:
        self._listening = True
        if self._session is not None:
            self._session.resume_listening()

    # What the call switches

    def set_mode(self, mode: FloorMode) -> None:
        self._mode = mode
        if self._session is not None:
            self._start(self._session.set_mode(mode))

    def set_threshold(self, threshold: float) -> None:
        self._threshold = threshold
        if self._session is not None:
            self._start(self._session.set_threshold(threshold))

    def set_cap(self, per_minute: int | None) -> None:
        self._cap = per_minute
        if self._session is not None:
            self._session.set_cap(per_minute)

    def text_turn(self, text: str, *, answer: bool, writer: str) -> None:
        """Something written for the model; too much of it at once is dropped."""
        if self._session is None or self._texts >= MOST_TEXTS:
            logger.warning("A chat message was dropped; too many wait")
            self._listener.on_unread(writer)
            return
        self._texts += 1
        self._start(self._turn(self._session, text, answer=answer, writer=writer))

    def answer_now(self) -> None:
        """Whatever the model would have decided."""
        if self._session is not None and self._listening:
            self._start(self._session.answer_now())

    async def say(self, text: str) -> None:
        """As the model's own words.

        :raises RuntimeFailure: when it cannot take them: they are too long, or it has ended.
        """
        if self._session is not None:
            await self._session.say(text)

    async def say_own(self, text: str) -> None:
        """Words that are no reply; returns when they have been said or cut."""
        if self._session is not None and self._parts.sink is not None and not self.ended.is_set():
            await self._session.say_own(text)

    async def interrupt(self) -> None:
        if self._session is not None:
            await self._session.interrupt()

    def statistics(self) -> SessionStatistics | None:
        """None before it is open."""
        return None if self._session is None else self._session.statistics()

    # From its beginning to its end

    async def _run(self) -> None:
        """What fails here ends this session and no other."""
        try:
            await self._serve()
        except (RuntimeFailure, VoiceFailure) as error:
            self.failure = error
        except Exception as error:
            logger.exception("A call's session failed")
            self.failure = error
        finally:
            self._session = self._group = None
            self.ended.set()
            self._opened.set()

    async def _serve(self) -> None:
        parts, profile = self._parts, self._parts.role.profile
        voice = SilentVoice() if parts.sink is None else parts.voice or await _voice(profile)
        async with _closing(voice):
            session = AgentSession(
                self._runtime,
                profile,
                voice=voice,
                sink=self._sink(),
                outputs=(self._replies,),
                clock=parts.clock,
                session_id=self._session_id,
                observer=self._replies.observe,
                watcher=self._replies,
                readers=parts.readers,
                pacing=Pacing.CAPTURE_TIMES,
                threshold=self._threshold,
                mode=self._mode,
                responder=parts.responder,
                operator=parts.operator,
            )
            session.set_cap(self._cap)
            async with session, self._stream, asyncio.TaskGroup() as group:
                self._session, self._group = session, group
                if not self._listening:
                    session.stop_listening()
                hearing = group.create_task(self._hear(session), name="hear")
                ending = group.create_task(session.wait_ended(), name="ended")
                leaving = group.create_task(self._leave.wait(), name="leave")
                self._opened.set()
                await asyncio.wait({ending, leaving}, return_when=asyncio.FIRST_COMPLETED)
                self._session = self._group = None
                for task in (hearing, ending, leaving):
                    task.cancel()

    async def _hear(self, session: AgentSession) -> None:
        with contextlib.suppress(SessionClosed):
            async for mixed in self._stream:
                block = Block(mixed.samples, mixed.captured_at, mixed.speakers)
                self._listener.on_level(block.level_dbfs)
                if self._is_talked_over(session, block):
                    self._cut_off(session)
                await session.push_audio(block.samples, block.captured_at, block.speakers)

    def _is_talked_over(self, session: AgentSession, block: Block) -> bool:
        talk_over = self._talk_over
        return talk_over is not None and talk_over.cuts(block, speaking=session.says_reply)

    def _cut_off(self, session: AgentSession) -> None:
        self._listener.on_talked_over()
        if self._interrupting is None or self._interrupting.done():
            self._interrupting = self._start(session.interrupt())

    async def _turn(self, session: AgentSession, text: str, *, answer: bool, writer: str) -> None:
        try:
            await session.text_turn(text, answer=answer)
        except RuntimeFailure as error:
            logger.warning("A text is not read", extra={"reason": str(error)})
            self._listener.on_unread(writer)
        finally:
            self._texts -= 1

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None] | None:
        """Beside the sound. What a session that has ended cannot do any more is no failure."""
        if self._group is None:
            work.close()
            return None
        return self._group.create_task(_unless_ended(work))

    def _sink(self) -> AudioSink | None:
        sink = self._parts.sink
        return sink and SinkTap(sink, on_sound=self._replies.heard, voice=self._own_voice)


async def _voice(profile: Profile) -> Voice:
    """In another thread: the first call of a process may have to load a network."""
    room = profile.room
    notices = (room.spoken_announcement, room.spoken_stop_notice)
    ready = () if room.announce == "none" else notices
    return await asyncio.to_thread(open_voice, profile.voice, ready)


@contextlib.asynccontextmanager
async def _closing(voice: Voice) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await voice.aclose()


async def _unless_ended(work: Coroutine[None, None, None]) -> None:
    with contextlib.suppress(SessionClosed):
        await work

"""A realtime session as its room switches it: who may be heard, and whether it listens."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Literal

from livekit.agents import llm

from interject.agent.floor import Floor
from interject.integrations.audio.block import BlockReader
from interject.integrations.audio.ingest import AudioIngest
from interject.integrations.conversation.consent import NOBODY
from interject.integrations.conversation.reply_requests import ReplyRequest, ReplyRequests
from interject.integrations.conversation.stop_wish import StopWish
from interject.integrations.conversation.text_turns import TextTurns
from interject.integrations.livekit.chat_updates import ChatUpdates
from interject.integrations.livekit.emitter import Emitter
from interject.integrations.livekit.generations import Generations
from interject.integrations.livekit.history import History
from interject.integrations.livekit.instructions import Instructions
from interject.integrations.livekit.realtime_connection import RealtimeConnection
from interject.integrations.livekit.user_speech import UserSpeech
from interject.integrations.livekit.writer import WRITER
from interject.model_runtime.protocol import (
    Cause,
    Decision,
    FloorMode,
    Gap,
    ReplyDelta,
    ReplyEnded,
    ReplyStarted,
    RuntimeFailure,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.agent.floor import FloorState
    from interject.agent.framing import FramingReport
    from interject.integrations.conversation.runtime_connection import Command
    from interject.integrations.conversation.text_turns import Reading
    from interject.integrations.livekit.model import RealtimeModel
    from interject.model_runtime.protocol import Event, Frame, SessionOptions

logger = logging.getLogger(__name__)

InterjectEvent = Literal[
    "interject_decision",
    "interject_reply_started",
    "interject_reply_delta",
    "interject_reply_ended",
    "interject_output",
    "interject_spoken",
    "interject_frame",
    "interject_gap",
    "interject_floor",
    "interject_listening",
    "interject_unread",
]
DEAF = "the agent does not listen: resume_listening() lets it go on"


def _always() -> bool:
    return True


class ControlledSession(llm.RealtimeSession[InterjectEvent]):
    """One ear, one memory, one voice, and the way to the runtime.

    What LiveKit asks of a realtime session `RealtimeSession` adds.
    """

    def __init__(
        self, model: RealtimeModel, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(model)
        self._model = model
        self._settings = model.settings
        self._threshold = self._settings.threshold
        profile = self._settings.profile
        self._floor = Floor(
            self._settings.mode,
            can_speak="spoken" in profile.outputs,
            unprompted_per_minute=profile.reply.unprompted_per_minute,
            clock=clock,
        )
        self._emitter = Emitter(self.emit, label=model.label)
        self._history = History()
        self._tools = llm.ToolContext.empty()
        self._instructions = Instructions(profile)
        self._connection = RealtimeConnection(
            model.runtime, self._options, self, backoff=self._settings.backoff
        )
        self._requests: ReplyRequests[llm.GenerationCreatedEvent] = ReplyRequests(
            self._connection, timeout_s=self._settings.reply_timeout_s, error=llm.RealtimeError
        )
        self._texts = TextTurns(self._connection, self._requests, self._unread)
        self._generations = Generations(
            model,
            self._floor,
            self._connection,
            self._requests,
            self._history,
            self._emitter,
            clock,
        )
        self._speech = UserSpeech(
            self._settings,
            self._history,
            self._emitter,
            listening=lambda: self.listening,
            clock=clock,
        )
        self._blocks = BlockReader(clock)
        self._ingest = AudioIngest(
            self._connection,
            self._settings.talk_over(),
            speaking=lambda: self._generations.speaking,
            on_talked_over=self._generations.stop,
            levels=self._speech.levels,
            clock=clock,
        )
        self._chat = ChatUpdates(profile.room, self._history, self._texts, self)
        self._wish = StopWish(profile.room.stop_replies, self.stop_listening)
        self.on("interject_decision", self._wish.decided)
        self.on("interject_reply_ended", self._wish.ended)
        self.may_hear: Callable[[], bool] = _always
        self._closed = False
        self._main_task = asyncio.create_task(self._run(), name="interject-realtime")

    @property
    def mode(self) -> FloorMode:
        return self._floor.mode

    @property
    def threshold(self) -> float:
        return self._threshold

    @property
    def cap(self) -> int | None:
        """Unprompted replies a minute; none: no limit."""
        return self._floor.unprompted_per_minute

    @property
    def floor_state(self) -> FloorState:
        return self._floor.state

    @property
    def listening(self) -> bool:
        return self._ingest.listening

    @property
    def connected(self) -> bool:
        return self._connection.session_id is not None

    def framing_report(self) -> FramingReport:
        return self._ingest.report()

    def set_mode(self, mode: FloorMode) -> None:
        """Whoever may not be heard any more stops in the middle of the word."""
        self._floor.mode = mode
        self._connection.command(lambda s: s.update(mode=mode))
        if mode is not FloorMode.SPEAK:
            self._generations.stop()
        if self._model.attachment is not None:
            self._model.attachment.open_outputs(mode)

    def set_threshold(self, threshold: float) -> None:
        """:raises ValueError: when it is no probability."""
        if not 0 <= threshold <= 1:
            raise ValueError(f"a threshold is a probability from 0 to 1, not {threshold}")
        self._threshold = threshold
        self._connection.command(lambda s: s.update(threshold=threshold))

    def set_cap(self, per_minute: int | None) -> None:
        """None lifts it.

        :raises ValueError: when it is negative.
        """
        if per_minute is not None and per_minute < 0:
            raise ValueError(f"a cap counts replies a minute, from 0 upwards, not {per_minute}")
        self._floor.unprompted_per_minute = per_minute

    def text_turn(self, text: str, *, answer: bool = True, writer: str | None = None) -> Reading:
        """Tell the model something in writing; with `answer` it replies. What is returned is done
        when the runtime has taken the text, or holds why it refused it.

        :raises livekit.agents.llm.RealtimeError: when too many wait for an answer already.
        """
        who = WRITER.get() if writer is None else writer
        return self._texts.turn(text, answer=answer, writer=who)

    def say_for(self, text: str) -> Reading:
        """Words of an operator's, as the agent's own; else as `text_turn`."""
        return self._texts.say(text)

    def answer_now(self) -> None:
        """Whatever it would have decided. It raises as `text_turn` does."""
        asked: ReplyRequest[llm.GenerationCreatedEvent] = ReplyRequest()
        self._requests.add(Cause.ANSWER_NOW, asked, lambda session: session.answer_now())

    def stop_listening(self, asker: str = NOBODY) -> None:
        """From this moment no sound reaches the model, not even what waits for the next frame.

        Replies that have begun are said to their end; others to what was heard before are not.
        """
        if not self.listening:
            return
        self._ingest.stop()
        self._model.forget_sound()
        self._generations.deaf = True
        for cause in (Cause.TEXT_TURN, Cause.ANSWER_NOW):
            self._requests.abandon(cause, DEAF)
        self._emitter("interject_listening", False, asker)

    def resume_listening(self) -> None:
        if self.listening:
            return
        self._ingest.resume()
        self._generations.deaf = False
        self._emitter("interject_listening", True, NOBODY)

    def forget_sound(self) -> None:
        """What was heard and has not reached the model yet never does."""
        self._ingest.forget()
        self._model.forget_sound()

    def stop_speaking(self) -> None:
        """Be silent now: cut what is said and forget what waits."""
        self._generations.stop()

    def voice_failed(self) -> None:
        """What was to be said now can be read at least."""
        self._generations.voice_failed()

    # What the connection tells

    def on_opened(self, *, again: bool) -> None:
        if again:
            self._emitter("session_reconnected", llm.RealtimeSessionReconnectedEvent())

    def on_lost(self, reason: str) -> None:
        self._generations.broke_off("the runtime broke off; its session is being opened anew")
        self._emitter.error(RuntimeFailure(reason), recoverable=True)

    def on_refused(self, error: RuntimeFailure) -> None:
        self._emitter.error(error, recoverable=True)

    def on_event(self, event: Event) -> None:
        match event:
            case Decision():
                self._emitter("interject_decision", event)
            case Gap():
                self._emitter("interject_gap", event)
            case ReplyStarted():
                self._generations.started(event)
            case ReplyDelta():
                self._generations.delta(event)
                self._emitter("interject_reply_delta", event)
            case ReplyEnded():
                self._generations.ended(event)
            case _:
                pass

    def on_frame(self, frame: Frame) -> None:
        self._emitter("interject_frame", frame)

    async def _run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._ingest.tick_forever(), name="interject-ticker")
                group.create_task(self._speech.run(), name="interject-transcripts")
                await self._instructions.wait()
                await self._connection.run()
        except* RuntimeFailure as failures:
            self._give_up(_first(failures))
        except* Exception:
            logger.exception("The session failed")
            self._give_up(llm.RealtimeError("the session failed; the log says why"))

    def _give_up(self, error: Exception) -> None:
        self._generations.broke_off(str(error))
        self._emitter.error(error, recoverable=False)

    def _ask(self, cause: Cause, command: Command) -> asyncio.Future[llm.GenerationCreatedEvent]:
        answer = self._requests.ask(cause, command)
        if self._main_task.done():
            self._requests.fail("the runtime is gone; the session's error event said why")
        return answer

    def _unread(self, writer: str) -> None:
        self._emitter("interject_unread", writer)

    def _options(self, session_id: str) -> SessionOptions:
        return self._instructions.options(
            session_id, mode=self._floor.mode, threshold=self._threshold
        )


def _first(group: BaseExceptionGroup[RuntimeFailure]) -> RuntimeFailure:
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found

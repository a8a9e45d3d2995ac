"""One ear, one memory, one voice in a LiveKit session: Interject as a `RealtimeSession`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING, Any, Literal

from livekit.agents import AgentSession, llm
from livekit.agents.cli import AgentsConsole
from livekit.agents.types import NOT_GIVEN

from interject.agent.floor import Floor
from interject.agent.options import session_options
from interject.integrations.audio.block import BlockReader
from interject.integrations.audio.ingest import AudioIngest
from interject.integrations.audio.speech_levels import SpeechLevels
from interject.integrations.conversation.chat_rules import NOT_READ
from interject.integrations.conversation.consent import NOBODY
from interject.integrations.conversation.phrases import same_phrase
from interject.integrations.conversation.stop_wish import StopWish
from interject.integrations.livekit.audio_frames import read_frame
from interject.integrations.livekit.connection import Connection
from interject.integrations.livekit.history import History
from interject.integrations.livekit.replies import Replies
from interject.integrations.livekit.requests import Requests
from interject.integrations.livekit.texts import Texts
from interject.integrations.livekit.transcripts import Transcripts
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
    from collections.abc import AsyncIterable, Callable

    from livekit import rtc
    from livekit.agents.llm import ChatContext, Tool, ToolChoice, ToolContext
    from livekit.agents.types import NotGivenOr

    from interject.agent.floor import FloorState
    from interject.agent.framing import FramingReport
    from interject.integrations.conversation.runtime_connection import Command
    from interject.integrations.livekit.model import RealtimeModel
    from interject.integrations.livekit.texts import Reading
    from interject.model_runtime.protocol import Event, RuntimeSession, SessionOptions

logger = logging.getLogger(__name__)

InterjectEvent = Literal[
    "interject_decision",
    "interject_reply_started",
    "interject_reply_ended",
    "interject_output",
    "interject_gap",
    "interject_floor",
    "interject_listening",
    "interject_unread",
]
INSTRUCTIONS_S = 0.5
"""LiveKit gives an agent's instructions at once, or never."""
DEAF = "the agent does not listen: resume_listening() lets it go on"


def _always() -> bool:
    return True


class RealtimeSession(llm.RealtimeSession[InterjectEvent]):
    """Beside LiveKit's own events it emits `interject_decision` (Decision),
    `interject_reply_started` (ReplyStarted, Verdict),
    `interject_reply_ended` (ReplyStarted, ReplyEnded, Verdict), `interject_output` (Posted or Cue),
    `interject_gap` (Gap), `interject_floor` (FloorState), `interject_listening` (bool, and who
    asked for it: an identity or `NOBODY`) and `interject_unread` (whose text the runtime refused).

    When the model says one of the profile's `stop_replies`, or somebody writes one of its
    `stop_phrases` to it, it is deaf from that moment on, whoever built the session: no sound and no
    text reaches the model until `resume_listening`. `may_hear` is asked at every block of sound.

    A model's memory cannot be edited, only added to: messages and instructions that come later are
    read to it as text turns, and messages that are removed stay.
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
        self._history = History()
        self._tools = llm.ToolContext.empty()
        self._instructions = ""
        self._instructed = asyncio.Event()
        self._connection = Connection(
            model.runtime, self._options, self, backoff=self._settings.backoff
        )
        self._requests = Requests(self._connection, timeout_s=self._settings.reply_timeout_s)
        self._texts = Texts(self._connection, self._requests, self._unread)
        self._replies = Replies(
            model, self._floor, self._connection, self._requests, self._history, self._emit, clock
        )
        self._blocks = BlockReader(clock)
        self._ingest = AudioIngest(
            self._connection,
            self._settings.talk_over(),
            speaking=lambda: self._replies.speaking,
            on_talked_over=self._replies.stop,
            levels=self._levels(clock),
            clock=clock,
        )
        recogniser = self._settings.stt
        self._transcripts = None if recogniser is None else Transcripts(recogniser, self._written)
        self._room_settings = profile.room
        self._wish = StopWish(profile.room.stop_replies, self.stop_listening)
        self.on("interject_decision", self._wish.decided)
        self.on("interject_reply_ended", self._wish.ended)
        self.may_hear: Callable[[], bool] = _always
        self._told_history = self._prompted = False
        self._notice: str | None = None
        self._closed = False
        self._main_task = asyncio.create_task(self._run(), name="interject-realtime")

    @property
    def chat_ctx(self) -> ChatContext:
        return self._history.chat_ctx

    @property
    def tools(self) -> ToolContext:
        return self._tools

    # What a room may ask

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
            self._replies.stop()
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
        return self._texts.turn(text, answer=answer, writer=writer)

    def stop_listening(self, asker: str = NOBODY) -> None:
        """From this moment no sound reaches the model, not even what waits for the next frame.

        Replies that have begun are said to their end; others to what was heard before are not.
        """
        if not self.listening:
            return
        self._ingest.stop()
        self._replies.deaf = True
        for cause in (Cause.TEXT_TURN, Cause.ANSWER_NOW):
            self._requests.abandon(cause, DEAF)
        self._emit("interject_listening", False, asker)

    def resume_listening(self) -> None:
        if self.listening:
            return
        self._ingest.resume()
        self._replies.deaf = False
        self._emit("interject_listening", True, NOBODY)

    def forget_sound(self) -> None:
        """What was heard and has not reached the model yet never does."""
        self._ingest.forget()

    def stop_speaking(self) -> None:
        """Be silent now: cut what is said and forget what waits."""
        self._replies.stop()

    def voice_failed(self) -> None:
        """What was to be said now can be read at least."""
        self._replies.voice_failed()

    # What LiveKit does

    def on(self, event: Any, callback: Any = None) -> Any:
        """Whoever listens for replies is the activity of the `AgentSession` that says them."""
        session = getattr(getattr(callback, "__self__", None), "session", None)
        if event == "generation_created" and isinstance(session, AgentSession):
            self._model.adopt(session, self)
        return super().on(event, callback)

    async def update_instructions(self, instructions: str) -> None:
        """Those that a session begins with follow the profile's in the system prompt.

        Later ones are a note in the memory, where the earlier ones stay as well.
        """
        changed, self._instructions = instructions != self._instructions, instructions
        if self._prompted and changed and instructions:
            self.text_turn(instructions, answer=False)
        self._instructed.set()

    async def update_chat_ctx(self, chat_ctx: ChatContext) -> None:
        """Words to stop and go on count when they are written, not in a history that is given.

        :raises RuntimeFailure: when what is written cannot be read; LiveKit answers nothing then.
        """
        fresh, written = self._history.take_new(chat_ctx), self._told_history
        self._told_history = True
        readings: dict[str, Reading] = {}
        for item in fresh:
            if not isinstance(item, llm.ChatMessage) or not (text := item.raw_text_content):
                continue
            if item.role == "user" and written and self._obeyed(text):
                continue
            if (reading := self._texts.tell(item.role, text)) is not None:
                readings[item.id] = reading
        if written:
            timeout_s = self._settings.reply_timeout_s
            self._refuse(
                await self._texts.read(readings, until=self._main_task, timeout_s=timeout_s)
            )

    async def update_tools(self, tools: list[Tool]) -> None:
        if tools:
            logger.warning("This model calls no tools: they are ignored")
        self._tools = llm.ToolContext(tools)

    def update_options(self, *, tool_choice: NotGivenOr[ToolChoice | None] = NOT_GIVEN) -> None:
        """There is nothing to choose."""

    def push_audio(self, frame: rtc.AudioFrame) -> None:
        if self._closed or not self.may_hear() or not self.listening:
            return
        self._ingest.push(read_frame(self._blocks, frame))
        if self._transcripts is not None and self.listening:
            self._transcripts.push(frame)

    def push_video(self, frame: rtc.VideoFrame) -> None:
        """It has no eyes."""

    def commit_audio(self) -> None:
        """Every 400 ms are decided anyway."""

    def clear_audio(self) -> None:
        """The ear stays open."""

    def generate_reply(
        self,
        *,
        instructions: NotGivenOr[str] = NOT_GIVEN,
        tool_choice: NotGivenOr[ToolChoice] = NOT_GIVEN,
        tools: NotGivenOr[list[Tool]] = NOT_GIVEN,
    ) -> asyncio.Future[llm.GenerationCreatedEvent]:
        notice, self._notice = self._notice, None
        if notice is not None:
            return self._ask(Cause.SAY, lambda session: session.say(notice))
        if instructions:
            text = instructions
            return self._ask(Cause.TEXT_TURN, lambda session: session.text_turn(text))
        if not self.listening:
            refused: asyncio.Future[llm.GenerationCreatedEvent]
            refused = asyncio.get_running_loop().create_future()
            refused.set_exception(llm.RealtimeError(DEAF))
            return refused
        return self._ask(Cause.ANSWER_NOW, lambda session: session.answer_now())

    def say(self, text: str | AsyncIterable[str]) -> asyncio.Future[llm.GenerationCreatedEvent]:
        """Without a TTS plugin; with one, LiveKit speaks and tells the model afterwards."""
        return self._ask(Cause.SAY, lambda session: _say(session, text))

    def interrupt(self) -> None:
        """Stop the reply on air. How much of it was heard follows through `truncate`."""
        self._replies.interrupt()

    def truncate(
        self,
        *,
        message_id: str,
        modalities: list[Literal["text", "audio"]],
        audio_end_ms: int,
        audio_transcript: NotGivenOr[str] = NOT_GIVEN,
    ) -> None:
        self._replies.truncate(
            message_id, audio_end_ms=audio_end_ms, transcript=audio_transcript or ""
        )

    async def aclose(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._replies.broke_off("the session is closed")
        await self._connection.close()
        self._main_task.cancel()
        await asyncio.wait({self._main_task})
        self._model.closed(self)

    # What the connection tells

    def on_opened(self, *, again: bool) -> None:
        if again:
            self._emit("session_reconnected", llm.RealtimeSessionReconnectedEvent())

    def on_lost(self, reason: str) -> None:
        self._replies.broke_off("the runtime broke off; its session is being opened anew")
        self._emit_error(RuntimeFailure(reason), recoverable=True)

    def on_refused(self, error: RuntimeFailure) -> None:
        self._emit_error(error, recoverable=True)

    def on_event(self, event: Event) -> None:
        match event:
            case Decision():
                self._emit("interject_decision", event)
            case Gap():
                self._emit("interject_gap", event)
            case ReplyStarted():
                self._replies.started(event)
            case ReplyDelta():
                self._replies.delta(event)
            case ReplyEnded():
                self._replies.ended(event)
            case _:
                pass

    async def _run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._ingest.tick_forever(), name="interject-ticker")
                if self._transcripts is not None:
                    group.create_task(self._transcripts.run(), name="interject-transcripts")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._instructed.wait(), INSTRUCTIONS_S)
                await self._connection.run()
        except* RuntimeFailure as failures:
            self._give_up(_first(failures))
        except* Exception:
            logger.exception("The session failed")
            self._give_up(llm.RealtimeError("the session failed; the log says why"))

    def _give_up(self, error: Exception) -> None:
        self._replies.broke_off(str(error))
        self._emit_error(error, recoverable=False)

    def _ask(self, cause: Cause, command: Command) -> asyncio.Future[llm.GenerationCreatedEvent]:
        answer = self._requests.ask(cause, command)
        if self._main_task.done():
            self._requests.fail("the runtime is gone; the session's error event said why")
        return answer

    def _obeyed(self, text: str) -> bool:
        """Whether what somebody wrote is not for the model; the next reply tells him so."""
        settings = self._room_settings
        if same_phrase(text, settings.stop_phrases):
            self.stop_listening()
        elif same_phrase(text, settings.resume_phrases) and not self.listening:
            self.resume_listening()
            self._notice = settings.announcement
            return True
        if not self.listening:
            self._notice = settings.stop_notice
        return not self.listening

    def _refuse(self, refused: dict[str, RuntimeFailure]) -> None:
        """LiveKit's console ends with a reply that fails; there the reply says it instead.

        :raises RuntimeFailure: the first; none of them stands in the history.
        """
        if refused and AgentsConsole.get_instance().enabled:
            self._notice = NOT_READ
            return
        for item_id in refused:
            self._history.forget(item_id)
        for error in refused.values():
            raise error

    def _unread(self, writer: str) -> None:
        self._emit("interject_unread", writer)

    def _options(self, session_id: str) -> SessionOptions:
        self._prompted = True
        profile = self._settings.profile
        prompt = "\n\n".join(filter(None, (profile.system_prompt, self._instructions)))
        current = {"mode": self._floor.mode.value, "system_prompt": prompt}
        return session_options(
            profile.model_copy(update=current), session_id, threshold=self._threshold
        )

    def _levels(self, clock: Callable[[], float]) -> SpeechLevels | None:
        level_dbfs = self._settings.speech_dbfs
        return None if level_dbfs is None else SpeechLevels(level_dbfs, self._spoke, clock)

    def _spoke(self, speaking: bool) -> None:
        if speaking:
            self._emit("input_speech_started", llm.InputSpeechStartedEvent())
        else:
            written = self._settings.stt is not None
            self._emit("input_speech_stopped", llm.InputSpeechStoppedEvent(written))

    def _written(self, said: llm.InputTranscriptionCompleted) -> None:
        """Kept as known, since LiveKit hands its history back to be told to the model."""
        if not self.listening:
            return
        if said.is_final:
            words = llm.ChatMessage(id=said.item_id, role="user", content=[said.transcript])
            self._history.add(words)
        self._emit("input_audio_transcription_completed", said)

    def _emit(self, name: Any, *payload: object) -> None:
        """A listener's mistake must not end the listening."""
        try:
            self.emit(name, *payload)
        except Exception as error:
            logger.warning(
                "A listener failed",
                extra={"event_name": str(name), "error_type": type(error).__name__},
            )

    def _emit_error(self, error: Exception, *, recoverable: bool) -> None:
        self._emit(
            "error",
            llm.RealtimeModelError(
                timestamp=time.time(),
                label=self._model.label,
                error=error,
                recoverable=recoverable,
            ),
        )


async def _say(session: RuntimeSession, text: str | AsyncIterable[str]) -> None:
    words = text if isinstance(text, str) else "".join([part async for part in text])
    await session.say(words)


def _first(group: BaseExceptionGroup[RuntimeFailure]) -> RuntimeFailure:
    found = group.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found

"""One ear, one memory, one voice in a LiveKit session: Interject as a `RealtimeSession`."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Literal

from livekit.agents import AgentSession, llm
from livekit.agents.types import NOT_GIVEN

from interject.integrations.livekit.audio_frames import read_frame
from interject.integrations.livekit.controlled_session import DEAF, ControlledSession
from interject.integrations.livekit.function_tools import lent_tools
from interject.model_runtime.protocol import Cause

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

    from livekit import rtc
    from livekit.agents.llm import ChatContext, Tool, ToolChoice, ToolContext
    from livekit.agents.types import NotGivenOr

    from interject.model_runtime.protocol import RuntimeSession

logger = logging.getLogger(__name__)


class RealtimeSession(ControlledSession):
    """Beside LiveKit's own events it emits `interject_decision` (Decision),
    `interject_reply_started` (ReplyStarted, Verdict), `interject_reply_delta` (ReplyDelta),
    `interject_reply_ended` (ReplyStarted, ReplyEnded, Verdict),
    `interject_output` (Posted, Cue or AskedTool),
    `interject_spoken` (Spoken: how much of a reply was heard),
    `interject_gap` (Gap), `interject_frame` (Frame: it goes to the model), `interject_floor`
    (FloorState), `interject_listening` (bool, and who asked for it: an identity or `NOBODY`) and
    `interject_unread` (whose text the runtime refused).

    When the model says one of the profile's `stop_replies`, or somebody writes one of its
    `stop_phrases` to it, it is deaf from that moment on, whoever built the session: no sound and no
    text reaches the model until `resume_listening`. `may_hear` is asked at every block of sound.

    A model's memory cannot be edited, only added to: messages and instructions that come later are
    read to it as text turns, and messages that are removed stay.
    """

    @property
    def chat_ctx(self) -> ChatContext:
        return self._history.chat_ctx

    @property
    def tools(self) -> ToolContext:
        return self._tools

    def on(self, event: Any, callback: Any = None) -> Any:
        """Whoever listens for replies is the activity of the `AgentSession` that says them."""
        session = getattr(getattr(callback, "__self__", None), "session", None)
        if event == "generation_created" and isinstance(session, AgentSession):
            self._model.adopt(session, self)
        return super().on(event, callback)

    async def update_instructions(self, instructions: str) -> None:
        if (note := self._instructions.update(instructions)) is not None:
            self.text_turn(note, answer=False)

    async def update_chat_ctx(self, chat_ctx: ChatContext) -> None:
        """Words to stop and go on count when they are written, not in a history that is given.

        :raises RuntimeFailure: when what is written cannot be read; LiveKit answers nothing then.
        """
        await self._chat.update(
            chat_ctx, until=self._main_task, timeout_s=self._settings.reply_timeout_s
        )

    async def update_tools(self, tools: list[Tool]) -> None:
        """The profile's responder calls them; the gate by itself calls none."""
        lent = lent_tools(tools, self._model.agent_session)
        if not self._model.lend(lent) and tools:
            logger.warning("This profile has no responder to call tools: they are ignored")
        self._tools = llm.ToolContext(tools)

    def update_options(self, *, tool_choice: NotGivenOr[ToolChoice | None] = NOT_GIVEN) -> None:
        """There is nothing to choose."""

    def push_audio(self, frame: rtc.AudioFrame) -> None:
        if self._closed or not self.may_hear() or not self.listening:
            return
        self._ingest.push(read_frame(self._blocks, frame))
        self._speech.push(frame)

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
        if (notice := self._chat.take_notice()) is not None:
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
        self._generations.interrupt()

    def truncate(
        self,
        *,
        message_id: str,
        modalities: list[Literal["text", "audio"]],
        audio_end_ms: int,
        audio_transcript: NotGivenOr[str] = NOT_GIVEN,
    ) -> None:
        self._generations.truncate(
            message_id, audio_end_ms=audio_end_ms, transcript=audio_transcript or ""
        )

    async def aclose(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._generations.broke_off("the session is closed")
        await self._connection.close()
        self._main_task.cancel()
        await asyncio.wait({self._main_task})
        self._model.closed(self)


async def _say(session: RuntimeSession, text: str | AsyncIterable[str]) -> None:
    words = text if isinstance(text, str) else "".join([part async for part in text])
    await session.say(words)

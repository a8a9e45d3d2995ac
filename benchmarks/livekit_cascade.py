"""LiveKit's usual agent, from local parts: a detector of turns, canned words, our voice."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from livekit.agents import Agent, AgentSession, AutoSubscribe, llm, stt
from livekit.agents.language import LanguageCode
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN
from livekit.agents.voice.room_io import RoomOptions
from livekit.plugins import silero

from interject.integrations.livekit import TTS

if TYPE_CHECKING:
    from livekit.agents import APIConnectOptions, JobContext
    from livekit.agents.types import NotGivenOr
    from livekit.agents.utils import AudioBuffer

ASKED = "Can you help me with this?"
ANSWER = "I can help you with that."


class CannedSTT(stt.STT[Any]):
    """Recognises a turn at once: a real one takes time that is not counted here."""

    def __init__(self) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=False, interim_results=False))

    async def _recognize_impl(
        self,
        buffer: AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        said = stt.SpeechData(language=LanguageCode("en"), text=ASKED, confidence=1.0)
        return stt.SpeechEvent(
            stt.SpeechEventType.FINAL_TRANSCRIPT, request_id=uuid.uuid4().hex, alternatives=[said]
        )


class CannedLLM(llm.LLM[Any]):
    """Answers at once, always the same."""

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        **_: Any,
    ) -> llm.LLMStream:
        return _Answer(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options)


class _Answer(llm.LLMStream):
    async def _run(self) -> None:
        delta = llm.ChoiceDelta(role="assistant", content=ANSWER)
        self._event_ch.send_nowait(llm.ChatChunk(id=uuid.uuid4().hex, delta=delta))


async def run_cascade(speaker: str, ctx: JobContext) -> None:
    """Stock settings, but for the detector's plugin: what an `AgentSession` does unless told."""
    await ctx.connect(auto_subscribe=AutoSubscribe.AUDIO_ONLY)
    session: AgentSession[Any] = AgentSession(
        vad=silero.VAD.load(), stt=CannedSTT(), llm=CannedLLM(), tts=TTS()
    )
    await session.start(
        Agent(instructions=""),
        room=ctx.room,
        room_options=RoomOptions(participant_identity=speaker, close_on_disconnect=False),
        record=False,
    )

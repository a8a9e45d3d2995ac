"""Interject as a LiveKit realtime model that hears all the time and decides by itself."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any

from livekit.agents import llm

from interject.agent.profiled_runtime import ProfiledRuntime
from interject.config import NoVoice, Profile, load_profile
from interject.integrations.audio.talk_over import fresh_talk_over
from interject.integrations.conversation.consent_store import ConsentStore
from interject.integrations.conversation.role import DEFAULT_RUNTIME
from interject.integrations.livekit.attachment import Attachment
from interject.integrations.livekit.generation import OnAir
from interject.integrations.livekit.plugin import register
from interject.integrations.livekit.realtime import RealtimeSession
from interject.integrations.livekit.room.hosted_room import HostedRoom
from interject.integrations.livekit.room.room_metrics import RESPONDER_METRICS
from interject.integrations.livekit.session_settings import settle
from interject.integrations.livekit.settings import Settings
from interject.integrations.livekit.tts import TTS
from interject.model_runtime.opening import open_runtime
from interject.model_runtime.protocol import FloorMode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from livekit.agents import AgentSession, CloseEvent
    from livekit.agents.stt import STT

    from interject.agent.responder.tools.asked_tool import AskedTool
    from interject.agent.responder.tools.operator import Operator
    from interject.agent.responder.tools.tool import Tool
    from interject.integrations.audio.talk_over import TalkOver
    from interject.model_runtime.protocol import Runtime

DEFAULT_PROFILE = "default"
DEFAULT_REPLY_TIMEOUT_S = 10.0

register()


class RealtimeModel(llm.RealtimeModel):
    """Use one model for each `AgentSession`, and one runtime for as many as it has room for.

    `runtime` is a URL of `open_runtime`, opened at the first session and closed with the model, or
    an open runtime, which stays open. `barge_in` cuts the agent when somebody talks over it.

    It attaches itself to the `AgentSession` that uses it. Where that is in a room it keeps the
    `house_rules` there: it announces itself, obeys stop words, attributes and RPC, and posts.
    False: somebody else does. What was stopped in a room stays stopped for the next process that
    names the same `consent_folder`.

    `stt` is a recogniser that writes down beside the model what people say. With `speech_dbfs`
    LiveKit is told when somebody is that loud, as its other models tell when somebody speaks.
    `operator` is asked before a tool of the profile's responder that needs a person's yes.

    :raises ProfileError: when there is no such profile.
    :raises OSError: when the folder cannot be used.
    :raises ValueError: when `stt` cannot stream, there is no such `mode`, or a number is out of its
        range.
    """

    def __init__(
        self,
        runtime: str | Runtime = DEFAULT_RUNTIME,
        profile: str | Path | Profile = DEFAULT_PROFILE,
        *,
        threshold: float | None = None,
        mode: FloorMode | str | None = None,
        barge_in: bool | TalkOver = False,
        reply_timeout_s: float = DEFAULT_REPLY_TIMEOUT_S,
        house_rules: bool = True,
        consent_folder: str | Path | None = None,
        stt: STT[Any] | None = None,
        speech_dbfs: float | None = None,
        operator: Operator | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(capabilities=capabilities(user_transcription=stt is not None))
        if stt is not None and not stt.capabilities.streaming:
            raise ValueError("stt: the ear never pauses; give one that streams (stt.StreamAdapter)")
        loaded = profile if isinstance(profile, Profile) else load_profile(profile)
        self.settings = Settings(
            profile=loaded,
            threshold=loaded.threshold if threshold is None else threshold,
            mode=_mode(mode or loaded.mode),
            barge_in=fresh_talk_over(barge_in),
            reply_timeout_s=reply_timeout_s,
            stt=stt,
            speech_dbfs=speech_dbfs,
        )
        self._clock = clock
        self._operator = operator
        self._house_rules = house_rules
        folder = consent_folder
        self._store = None if folder is None else ConsentStore.at(folder)
        self._hosted: HostedRoom | None = None
        self.on_air = OnAir()
        self.attachment: Attachment | None = None
        self._url = runtime if isinstance(runtime, str) else None
        self._runtime = None if isinstance(runtime, str) else runtime
        self._profiled: ProfiledRuntime | None = None
        self._lent: list[Tool] = []
        self._opening = asyncio.Lock()
        self._sessions: list[RealtimeSession] = []
        self._closing: asyncio.Task[None] | None = None

    @property
    def model(self) -> str:
        return self.settings.profile.name

    @property
    def provider(self) -> str:
        return "interject"

    @property
    def profile(self) -> Profile:
        return self.settings.profile

    @property
    def current(self) -> RealtimeSession | None:
        """The session that LiveKit opened last, while it is open."""
        return self._sessions[-1] if self._sessions else None

    def tts(self) -> TTS | None:
        """The profile's voice, bound to this model; none: the profile has no voice.

        :raises VoiceFailure: when the voice or its engine is missing.
        """
        if isinstance(self.profile.voice, NoVoice):
            return None
        room = self.profile.room
        spoken = room.announce in ("voice", "both")
        ready = (room.announcement, room.stop_notice) if spoken else ()
        return TTS(self.profile.voice, ready=ready, on_air=self.on_air)

    def attach(self, session: AgentSession[Any]) -> None:
        """Let the model cut the session's speech, and close with it.

        It happens by itself when the session starts.
        """
        self.attachment = Attachment(session)
        self.attachment.open_outputs(self.settings.mode)
        session.on("close", self._on_close)

    def adopt(self, session: AgentSession[Any], realtime: RealtimeSession) -> None:
        """`session` will say what `realtime` replies."""
        settle(session)
        if self.attachment is None or not self.attachment.belongs_to(session):
            self.attach(session)
        if self.attachment is not None:
            self.attachment.on_voice_failed = realtime.voice_failed
            self.attachment.settle_voice()
        if self._hosted is not None:
            self._hosted.serve(realtime)
        elif self._house_rules:
            self._hosted = HostedRoom.around(session, realtime, self.profile, self._store)

    def session(self, *, turn_detection_disabled: bool = False) -> RealtimeSession:
        session = RealtimeSession(self, clock=self._clock)
        self._sessions.append(session)
        return session

    async def runtime(self) -> Runtime:
        """:raises RuntimeFailure: when the URL names no runtime, or its model cannot be loaded."""
        async with self._opening:
            if self._runtime is None:
                assert self._url is not None, "a runtime that was given is never taken away"
                self._runtime = await asyncio.to_thread(open_runtime, self._url)
            if self._profiled is None:
                self._profiled = ProfiledRuntime(
                    self._runtime,
                    self.profile,
                    watch=RESPONDER_METRICS,
                    operator=self._operator,
                    on_asked=self._asked,
                )
                self._profiled.lend(self._lent)
        return self._profiled

    def _asked(self, asked: AskedTool) -> None:
        if (session := self.current) is not None:
            session.emit("interject_output", asked)

    def forget_sound(self) -> None:
        """What was heard so far is given to no responder."""
        if self._profiled is not None:
            self._profiled.forget_sound()

    def agent_session(self) -> AgentSession[Any] | None:
        """That says what this model replies, while it is there."""
        return None if self.attachment is None else self.attachment.session

    def lend(self, tools: list[Tool]) -> bool:
        """Tools for the profile's responder; whether there is one."""
        self._lent = tools
        if self._profiled is not None:
            self._profiled.lend(tools)
        return self.profile.responder is not None

    def closed(self, session: RealtimeSession) -> None:
        with contextlib.suppress(ValueError):
            self._sessions.remove(session)

    async def aclose(self) -> None:
        hosted, self._hosted = self._hosted, None
        if hosted is not None:
            await hosted.aclose()
        for session in tuple(self._sessions):
            await session.aclose()
        profiled, self._profiled = self._profiled, None
        if profiled is not None:
            await profiled.aclose()
        if self._url is not None and self._runtime is not None:
            runtime, self._runtime = self._runtime, None
            await runtime.aclose()

    def _on_close(self, event: CloseEvent) -> None:
        self._closing = asyncio.create_task(self.aclose(), name="interject-close")


def _mode(name: FloorMode | str) -> FloorMode:
    try:
        return FloorMode(name)
    except ValueError:
        raise ValueError(f"mode: one of {', '.join(FloorMode)}, not {name!r}") from None


def capabilities(*, user_transcription: bool = False) -> llm.RealtimeCapabilities:
    """What changes in mid-session is added to the memory; nothing in it can be edited."""
    return llm.RealtimeCapabilities(
        message_truncation=True,
        turn_detection=True,
        user_transcription=user_transcription,
        auto_tool_reply_generation=False,
        audio_output=False,
        manual_function_calls=False,
        supports_overlapping_speech=True,
        mutable_chat_context=True,
        mutable_instructions=True,
        mutable_tools=True,
        supports_say=True,
    )

"""One ear and one memory in a room: a LiveKit session that hears several people at once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any, Self

from livekit.agents import Agent, llm

from interject.integrations.audio.echo import EchoCanceller
from interject.integrations.audio.own_voice import OwnVoice
from interject.integrations.livekit.builder import room_options, session
from interject.integrations.livekit.model import RealtimeModel
from interject.integrations.livekit.own_words import say_whole
from interject.integrations.livekit.realtime import RealtimeSession
from interject.integrations.livekit.room.audio_input import RoomAudioInput
from interject.integrations.livekit.room.room_metrics import log_replies
from interject.integrations.livekit.room.voice_tap import VoiceTap
from interject.integrations.livekit.room.webrtc_echo import WebRtcEcho
from interject.model_runtime.protocol import RuntimeFailure

if TYPE_CHECKING:
    from collections.abc import Callable

    from livekit import rtc
    from livekit.agents import AgentSession, AgentStateChangedEvent, CloseEvent

    from interject.agent.floor import Verdict
    from interject.agent.outputs import OutputEvent
    from interject.integrations.conversation.role import Role
    from interject.integrations.livekit.room.ear_followers import EarFollowers
    from interject.model_runtime.protocol import (
        Decision,
        FloorMode,
        Frame,
        Gap,
        ReplyEnded,
        ReplyStarted,
    )

logger = logging.getLogger(__name__)

CLOSE_TIMEOUT_S = 8.0
TAKEN_S = 4.0
NOT_OPEN = "the model is not there yet"
NOT_TAKEN = f"the model has not taken it within {TAKEN_S:g} s; it may say it later"


class RoomSession:
    """Used with `async with`. `ended` is set when the session has closed, for whatever reason.

    `identity` is the only one who is heard; without it everybody is whom `accepts` accepts. It is
    a `Listener`: what consent forbids reaches neither the ear nor the model. `on_wish` is told when
    the model has understood that somebody, or `NOBODY` known, wants it to stop listening, and
    `on_unread` when it does not take what somebody has written. `on_frame` gets what the model is
    given to hear, `on_level` how loud people are, and `on_speaking` whether the agent itself is
    heard.
    """

    def __init__(
        self,
        room: rtc.Room,
        role: Role,
        *,
        mode: FloorMode,
        threshold: float,
        cap: int | None,
        accepts: Callable[[rtc.RemoteParticipant], bool],
        identity: str | None = None,
        on_output: Callable[[OutputEvent], None],
        on_reply: Callable[[ReplyStarted, ReplyEnded, Verdict], None],
        on_decision: Callable[[Decision], None],
        on_frame: Callable[[Frame], None] | None = None,
        on_gap: Callable[[Gap], None],
        on_wish: Callable[[str], None],
        on_unread: Callable[[str], None],
        on_level: Callable[[float], None],
        on_speaking: Callable[[bool], None],
        followers: EarFollowers,
    ) -> None:
        self.ended = asyncio.Event()
        self.failure: Exception | None = None
        self._voice = OwnVoice() if role.profile.room.echo_cancellation else None
        self.ear = RoomAudioInput(
            room,
            accepts=lambda who: accepts(who) and identity in (None, who.identity),
            echo=EchoCanceller(self._voice, WebRtcEcho) if self._voice is not None else None,
            on_level=on_level,
        )
        self._room = room
        self._role = role
        self._mode, self._threshold, self._cap = mode, threshold, cap
        self._identity = identity
        self._on_output = on_output
        self._on_reply = on_reply
        self._on_decision = on_decision
        self._on_frame = on_frame
        self._on_gap = on_gap
        self._on_wish = on_wish
        self._on_unread = on_unread
        self._on_speaking = on_speaking
        self._followers = followers
        self._stack = contextlib.AsyncExitStack()
        self._session: AgentSession[Any] | None = None
        self._realtime: RealtimeSession | None = None

    async def __aenter__(self) -> Self:
        """:raises ProfileError, VoiceFailure, RuntimeFailure: when the role cannot be played."""
        try:
            built = await self._open()
            await self._stack.enter_async_context(self.ear)
            built.input.audio = self.ear
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def history_items(self) -> int:
        """How much LiveKit remembers of the conversation; it stays bounded."""
        return len(self._session.history.items) if self._session is not None else 0

    def set_mode(self, mode: FloorMode) -> None:
        """What is switched before it is opened holds from the moment when it is."""
        self._mode = mode
        if self._realtime is not None:
            self._realtime.set_mode(mode)

    def set_threshold(self, threshold: float) -> None:
        self._threshold = threshold
        if self._realtime is not None:
            self._realtime.set_threshold(threshold)

    def set_cap(self, per_minute: int | None) -> None:
        self._cap = per_minute
        if self._realtime is not None:
            self._realtime.set_cap(per_minute)

    def say(self, text: str) -> None:
        """Words that are no reply: nobody cuts them. A role without a voice says nothing."""
        if self._session is not None and self._session.tts is not None:
            say_whole(self._session, text)

    async def say_for(self, text: str) -> None:
        """Words of an operator's, as the agent's own.

        :raises RuntimeFailure: when the model does not take them.
        """
        try:
            if self._realtime is None:
                raise RuntimeFailure(NOT_OPEN)
            async with asyncio.timeout(TAKEN_S):
                refused = await self._realtime.say_for(text)
        except TimeoutError:
            raise RuntimeFailure(NOT_TAKEN) from None
        except llm.RealtimeError as error:
            raise RuntimeFailure(str(error)) from None
        if refused is not None:
            raise refused

    def answer_now(self) -> None:
        if self._realtime is not None:
            with contextlib.suppress(llm.RealtimeError):
                self._realtime.answer_now()

    def stop_speaking(self) -> None:
        if self._realtime is not None:
            self._realtime.stop_speaking()

    def text_turn(self, text: str, *, answer: bool, writer: str) -> None:
        """Something written for the model; too much of it at once is dropped."""
        if self._realtime is None:
            return
        try:
            self._realtime.text_turn(text, answer=answer, writer=writer)
        except llm.RealtimeError:
            logger.warning("A chat message was dropped; too many wait")
            self._on_unread(writer)

    def exclude(self, identity: str) -> None:
        self.ear.exclude(identity)

    def include(self, identity: str) -> None:
        self.ear.include(identity)

    def stop_listening(self) -> None:
        self.ear.stop_listening()
        if self._realtime is not None:
            self._realtime.stop_listening()

    def resume_listening(self) -> None:
        if self._realtime is not None:
            self._realtime.resume_listening()
        self.ear.resume_listening()

    async def _open(self) -> AgentSession[Any]:
        """Nothing is recorded, and nobody drives the session from outside."""
        role = self._role
        model = RealtimeModel(
            role.runtime,
            role.profile,
            mode=self._mode,
            threshold=self._threshold,
            barge_in=role.barge_in,
            operator=self._followers.operator,
            house_rules=False,
        )
        self._stack.push_async_callback(model.aclose)
        built = session(model=model)
        built.on("close", self._on_close)
        built.on("agent_state_changed", self._on_state)
        self._session = built
        self._stack.push_async_callback(self._close)
        only = {} if self._identity is None else {"participant_identity": self._identity}
        await built.start(
            Agent(instructions=""),
            room=self._room,
            room_options=room_options(
                role.profile,
                audio_input=False,
                text_input=False,
                close_on_disconnect=False,
                **only,
            ),
            session_host=False,
            record=False,
        )
        if self._voice is not None and built.output.audio is not None:
            built.output.audio = VoiceTap(built.output.audio, self._voice)
        realtime = model.current
        if not isinstance(realtime, RealtimeSession):
            raise RuntimeFailure("the session ended while it was opened; its error event says why")
        self._followers.attach(realtime)
        realtime.on("interject_output", self._on_output)
        realtime.on("interject_gap", self._on_gap)
        realtime.on("interject_spoken", self._on_output)
        realtime.on("interject_reply_ended", self._on_reply)
        realtime.on("interject_decision", self._on_decision)
        if self._on_frame is not None:
            realtime.on("interject_frame", self._on_frame)
        realtime.on("interject_listening", self._on_listening)
        realtime.on("interject_unread", self._on_unread)
        realtime.set_cap(self._cap)
        if realtime.mode is not self._mode:
            realtime.set_mode(self._mode)
        if realtime.threshold != self._threshold:
            realtime.set_threshold(self._threshold)
        if self.ear.deaf:
            realtime.stop_listening()
        self._realtime = realtime
        log_replies(built, realtime)
        return built

    async def _close(self) -> None:
        """LiveKit may hang on a room that is gone, which must not keep the others waiting."""
        if self._session is not None:
            self._session.input.audio = None
            try:
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await self._session.aclose()
            except TimeoutError:
                logger.warning("The session did not close in time")

    def _on_listening(self, listening: bool, asker: str) -> None:
        """Consent itself makes the ear deaf first; the model's word does not."""
        if not listening and not self.ear.deaf:
            self._on_wish(self._identity or asker)

    def _on_state(self, event: AgentStateChangedEvent) -> None:
        self._on_speaking(event.new_state == "speaking")

    def _on_close(self, event: CloseEvent) -> None:
        cause = getattr(event.error, "error", None)
        if isinstance(cause, Exception):
            self.failure = cause
        self.ended.set()

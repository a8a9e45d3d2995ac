"""Interject as one of several participants of a room: ears, voices, outputs, controls."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Self

from interject.agent.output_dispatcher import OutputDispatcher
from interject.integrations.conversation.consent import Consent
from interject.integrations.conversation.cues import Cues
from interject.integrations.conversation.decision_message import DecisionFeed
from interject.integrations.livekit.room.attendance import Attendance
from interject.integrations.livekit.room.data_topics import DataTopics
from interject.integrations.livekit.room.house_rules import HouseRules
from interject.integrations.livekit.room.people import people_only, present_people
from interject.integrations.livekit.room.posts import Posts
from interject.integrations.livekit.room.room_session import RoomSession
from interject.integrations.livekit.room.room_sessions import RoomSessions
from interject.integrations.livekit.room.voice_track import VoiceTrack
from interject.model_runtime.protocol import FloorMode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

    from livekit import rtc

    from interject.agent.outputs import OutputEvent
    from interject.integrations.conversation.consent_store import RoomConsent
    from interject.integrations.conversation.role import Role
    from interject.model_runtime.protocol import Decision

logger = logging.getLogger(__name__)

MAX_EARLY = 16


@contextlib.asynccontextmanager
async def _running(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Something that runs beside the block and ends with it."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(work)
        try:
            yield
        finally:
            task.cancel()


class RoomAgent:
    """Used with `async with` on a connected room.

    Connect it without automatic subscription: then nobody's sound arrives before he has been told
    of it, nor that of somebody who does not want it. `kept` is what was stopped before in this
    room.
    """

    def __init__(self, room: rtc.Room, role: Role, *, kept: RoomConsent | None = None) -> None:
        profile = role.profile
        self.room = room
        self.role = role
        self.mode = FloorMode(profile.mode)
        self.threshold = profile.threshold
        self.cap = profile.reply.unprompted_per_minute
        self.consent = Consent(may_control=role.may_control, kept=kept)
        self.sessions = RoomSessions(
            room, self.consent, self._make, each=profile.room.ear == "each"
        )
        topics = DataTopics(room)
        self._cues = Cues(topics, self._cue_to)
        self._outputs = OutputDispatcher((Posts(room), self._cues))
        self._decisions = DecisionFeed(topics)
        self._rules: HouseRules | None = None
        self._early: list[tuple[str, str]] | None = []
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        """:raises ProfileError, VoiceFailure, RuntimeFailure: when the role cannot be played."""
        try:
            await self._enter()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def set_mode(self, mode: FloorMode) -> None:
        self.mode = mode
        for session in self.sessions.made:
            session.set_mode(mode)
        logger.info("The mode was set", extra={"mode": mode.value})

    def set_threshold(self, threshold: float) -> None:
        self.threshold = threshold
        for session in self.sessions.made:
            session.set_threshold(threshold)

    def set_cap(self, per_minute: int | None) -> None:
        self.cap = per_minute
        for session in self.sessions.made:
            session.set_cap(per_minute)

    async def _enter(self) -> None:
        """Tell people first, listen afterwards."""
        enter = self._stack.enter_async_context
        self._stack.enter_context(Attendance(self.room))
        await enter(VoiceTrack(self.room))
        await enter(_running(self._outputs.run()))
        await enter(_running(self._decisions.run()))
        rules = await enter(
            HouseRules(
                self.room,
                self.role.profile.room,
                self.consent,
                self,
                may_control=self.role.may_control,
                on_text=self._on_text,
            )
        )
        self._rules = rules
        await enter(self.sessions)
        self._read_early()
        if rules.announcement.spoken and self.consent.listening:
            for session in self.sessions.open[:1]:
                session.say(rules.announcement.text)
        if "cue" in self.role.profile.outputs and not self.role.addressees:
            logger.warning("Nobody is named to be shown cues; name them in the dispatch's cue_to")

    def _make(self, identity: str | None) -> RoomSession:
        return RoomSession(
            self.room,
            self.role,
            mode=self.mode,
            threshold=self.threshold,
            cap=self.cap,
            accepts=people_only,
            identity=identity,
            on_output=self._put,
            on_decision=self._decided,
            on_wish=self.consent.stop,
            on_unread=self._unread,
        )

    def _put(self, event: OutputEvent) -> None:
        self._outputs.put(event)

    def _decided(self, decision: Decision) -> None:
        if self.role.profile.room.telemetry:
            self._decisions.put(decision)

    def _cue_to(self) -> list[str]:
        return present_people(self.room, self.role.addressees)

    def _read_early(self) -> None:
        early, self._early = self._early, None
        for identity, text in early or ():
            self._on_text(identity, text)

    def _on_text(self, identity: str, text: str) -> None:
        """What is written while the model is being opened waits for it."""
        session = self.sessions.of(identity)
        if session is not None:
            answer = self.role.profile.room.answer_chat
            session.text_turn(text, answer=answer, writer=identity)
        elif self._early is not None and len(self._early) < MAX_EARLY:
            self._early.append((identity, text))
        else:
            logger.warning("A chat message was dropped; no model is there to read it")
            self._unread(identity)

    def _unread(self, identity: str) -> None:
        if self._rules is not None:
            self._rules.unread(identity)

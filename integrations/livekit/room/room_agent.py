"""Interject as one of several participants of a room: ears, voices, outputs, controls."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Self

from interject.agent.delivery import Delivery
from interject.integrations.livekit.room.announcement import Announcement
from interject.integrations.livekit.room.chat import Chat
from interject.integrations.livekit.room.consent import Consent
from interject.integrations.livekit.room.cues import Cues
from interject.integrations.livekit.room.ear import people_only
from interject.integrations.livekit.room.floor_control import FloorControl
from interject.integrations.livekit.room.journal import Attendance
from interject.integrations.livekit.room.posts import Posts
from interject.integrations.livekit.room.role import EVERYBODY
from interject.integrations.livekit.room.room_session import RoomSession
from interject.integrations.livekit.room.room_sessions import RoomSessions
from interject.integrations.livekit.room.telemetry_topic import DecisionTopic
from interject.model_runtime.protocol import FloorMode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

    from livekit import rtc

    from interject.agent.outputs import OutputEvent
    from interject.integrations.livekit.room.role import Role
    from interject.model_runtime.protocol import Decision

logger = logging.getLogger(__name__)


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
    of it, nor that of somebody who does not want it.
    """

    def __init__(self, room: rtc.Room, role: Role) -> None:
        profile = role.profile
        self.room = room
        self.role = role
        self.mode = FloorMode(profile.mode)
        self.threshold = profile.threshold
        self.cap = profile.reply.unprompted_per_minute
        self.consent = Consent(may_control=role.may_control)
        self.sessions = RoomSessions(
            room, self.consent, self._make, each=profile.room.ear == "each"
        )
        self._cues = Cues(room, self._cue_to)
        self._delivery = Delivery((Posts(room), self._cues))
        self._decisions = DecisionTopic(room)
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
        for session in self.sessions.open:
            session.set_mode(mode)
        logger.info("The mode was set", extra={"mode": mode.value})

    def set_threshold(self, threshold: float) -> None:
        self.threshold = threshold
        for session in self.sessions.open:
            session.set_threshold(threshold)

    def set_cap(self, per_minute: int | None) -> None:
        self.cap = per_minute
        for session in self.sessions.open:
            session.set_cap(per_minute)

    async def _enter(self) -> None:
        """Tell people first, listen afterwards."""
        enter = self._stack.enter_async_context
        settings = self.role.profile.room
        self._stack.enter_context(Attendance(self.room))
        await enter(_running(self._delivery.run()))
        await enter(_running(self._decisions.run()))
        announcement = await enter(Announcement(self.room, settings, accepts=people_only))
        self.consent.attach(announcement)
        self._stack.callback(self.consent.detach, announcement)
        await enter(FloorControl(self.room, self, self.consent, may_control=self.role.may_control))
        chat = Chat(self.room, settings, self.consent, accepts=people_only, on_text=self._on_text)
        await enter(chat)
        await enter(self.sessions)
        if announcement.spoken:
            for session in self.sessions.open[:1]:
                session.say(announcement.text)
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
        )

    def _put(self, event: OutputEvent) -> None:
        self._delivery.put(event)

    def _decided(self, decision: Decision) -> None:
        if self.role.profile.room.telemetry:
            self._decisions.put(decision)

    def _cue_to(self) -> list[str]:
        """Those of the addressees who are here."""
        here = [p.identity for p in self.room.remote_participants.values() if people_only(p)]
        named = self.role.addressees
        return here if EVERYBODY in named else [who for who in here if who in named]

    def _on_text(self, identity: str, text: str) -> None:
        session = self.sessions.of(identity)
        if session is not None:
            session.text_turn(text, answer=self.role.profile.room.answer_chat)

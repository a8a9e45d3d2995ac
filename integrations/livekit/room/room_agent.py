"""Interject as one of several participants of a room: ears, voices, outputs, controls."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Self

from interject.integrations.conversation.consent import EVERYBODY, Consent
from interject.integrations.conversation.cues import Cues
from interject.integrations.conversation.publisher import Publisher
from interject.integrations.conversation.session_controls import SessionControls
from interject.integrations.conversation.sound_wish import SoundWish
from interject.integrations.conversation.written_turns import WrittenTurns
from interject.integrations.livekit.room.attendance import Attendance
from interject.integrations.livekit.room.data_topics import DataTopics
from interject.integrations.livekit.room.ear_followers import EarFollowers
from interject.integrations.livekit.room.house_rules import HouseRules
from interject.integrations.livekit.room.people import people_only, present_people
from interject.integrations.livekit.room.posts import Posts
from interject.integrations.livekit.room.reports import Reports
from interject.integrations.livekit.room.room_metrics import METRICS
from interject.integrations.livekit.room.room_session import RoomSession
from interject.integrations.livekit.room.room_sessions import RoomSessions
from interject.integrations.livekit.room.sound_track import SoundTrack
from interject.integrations.livekit.room.voice_track import VoiceTrack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from livekit import rtc

    from interject.agent.records.session_recorder import SessionRecorder
    from interject.agent.records.store import RecordStore
    from interject.agent.statistics import SessionStatistics
    from interject.integrations.conversation.call_follower import FollowedCall
    from interject.integrations.conversation.consent_store import RoomConsent
    from interject.integrations.conversation.role import Role

logger = logging.getLogger(__name__)


class RoomAgent:
    """Used with `async with` on a connected room.

    Connect it without automatic subscription: then nobody's sound arrives before he has been told
    of it, nor that of somebody who does not want it. `kept` is what was stopped before in this
    room. `followers` see what is decided and said in it.
    """

    def __init__(
        self,
        room: rtc.Room,
        role: Role,
        *,
        kept: RoomConsent | None = None,
        records: RecordStore | None = None,
        followers: Sequence[FollowedCall] = (),
    ) -> None:
        settings = role.profile.room
        self.room = room
        self.role = role
        self._followers = followers
        self.consent = Consent(may_control=role.may_control, kept=kept)
        self.sessions = RoomSessions(room, self.consent, self._make, each=settings.ear == "each")
        self._sounds = SoundTrack(room, role.profile)
        self.controls = SessionControls(
            role.profile, lambda: self.sessions.made, on_mode=self._sounds.board.set_mode
        )
        self._texts = WrittenTurns(
            self.sessions.of, answer=settings.answer_chat, on_unread=self._unread
        )
        topics = DataTopics(room)
        self._publisher = Publisher(
            (
                Posts(room),
                Cues(topics),
                Reports(room),
                self._sounds.board,
                *(one.output for one in followers),
            ),
            topics,
            role,
            call_id=room.name,
            cue_to=lambda: present_people(room, role.addressees),
            telemetry=settings.telemetry,
            records=records,
            metrics=METRICS,
            aloud=lambda: self._sounds.board.is_open,
        )
        self._rules: HouseRules | None = None
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

    async def _enter(self) -> None:
        """Tell people first, listen afterwards."""
        enter = self._stack.enter_async_context
        self._stack.enter_context(Attendance(self.room))
        await enter(VoiceTrack(self.room))
        await enter(self._sounds)
        self.consent.attach(self._sounds.board)
        await enter(self._publisher)
        self.room.on("participant_connected", self._came)
        self._stack.callback(self.room.off, "participant_connected", self._came)
        rules = await enter(
            HouseRules(
                self.room,
                self.role.profile.room,
                self.consent,
                self.controls,
                may_control=self.role.may_control,
                on_text=SoundWish(
                    self.role.profile.soundboard.stop_phrases, self._no_sounds, self._texts.take
                ),
            )
        )
        self._rules = rules
        await enter(self.sessions)
        self._texts.begin()
        if rules.announcement.spoken and self.consent.listening:
            self._sounds.board.silence()
            for session in self.sessions.open[:1]:
                session.say(rules.announcement.text)
        if "cue" in self.role.profile.outputs and not self.role.addressees:
            logger.warning("Nobody is named to be shown cues; name them in the dispatch's cue_to")
        for follower in self._followers:
            follower.opened(self)

    # As those who follow the room see and operate it

    @property
    def present(self) -> tuple[str, ...]:
        return tuple(present_people(self.room, (EVERYBODY,)))

    @property
    def record(self) -> SessionRecorder | None:
        return self._publisher.record

    def statistics(self) -> tuple[SessionStatistics, ...]:
        """LiveKit's own session speaks, and has none of them."""
        return ()

    async def say(self, text: str) -> None:
        for session in self.sessions.open[:1]:
            await session.say_for(text)

    def answer_now(self) -> None:
        for session in self.sessions.open[:1]:
            session.answer_now()

    async def be_quiet(self) -> None:
        self._sounds.board.silence()
        for session in self.sessions.open:
            session.stop_speaking()

    def _make(self, identity: str | None) -> RoomSession:
        return RoomSession(
            self.room,
            self.role,
            mode=self.controls.mode,
            threshold=self.controls.threshold,
            cap=self.controls.cap,
            accepts=people_only,
            identity=identity,
            on_output=self._publisher.put,
            on_reply=self._publisher.replied,
            on_decision=self._publisher.decided,
            on_frame=self._publisher.ear(),
            on_gap=self._publisher.lost,
            on_wish=self.consent.stop,
            on_unread=self._unread,
            on_level=self._sounds.board.heard,
            on_speaking=self._sounds.speaks,
            followers=EarFollowers(self._followers, identity),
        )

    def _no_sounds(self) -> None:
        self._sounds.board.silence()
        self._publisher.forbid_sounds()

    def _came(self, _participant: rtc.RemoteParticipant) -> None:
        self._publisher.came()

    def _unread(self, identity: str) -> None:
        if self._rules is not None:
            self._rules.unread(identity)

"""The room of a session that somebody built by hand, and the people in it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Self

from livekit.agents import get_job_context
from livekit.agents.voice.room_io import TextInputEvent

from interject.integrations.conversation.consent import NOBODY, Consent, may_control
from interject.integrations.conversation.cues import Cues
from interject.integrations.conversation.publisher import Publisher
from interject.integrations.conversation.role import Role
from interject.integrations.conversation.sound_wish import SoundWish
from interject.integrations.livekit.own_words import say_whole
from interject.integrations.livekit.room.data_topics import DataTopics
from interject.integrations.livekit.room.house_rules import HouseRules
from interject.integrations.livekit.room.people import present_people
from interject.integrations.livekit.room.posts import CHAT_TOPIC, Posts
from interject.integrations.livekit.room.precedence import NOT_ALONE, Precedence
from interject.integrations.livekit.room.reports import Reports
from interject.integrations.livekit.room.room_metrics import METRICS
from interject.integrations.livekit.room.voice_track import VoiceTrack
from interject.integrations.livekit.writer import WRITER

if TYPE_CHECKING:
    from livekit import rtc
    from livekit.agents import AgentSession
    from livekit.agents.voice.room_io import RoomIO
    from livekit.agents.voice.room_io.types import TextInputCallback

    from interject.config import Profile
    from interject.integrations.conversation.consent_store import ConsentStore
    from interject.integrations.livekit.realtime import RealtimeSession
    from interject.model_runtime.protocol import FloorMode

logger = logging.getLogger(__name__)


class HostedRoom:
    """Keeps the house rules where LiveKit's `RoomIO` is ear and mouth, and brings posts and cards.

    It is a `Listener` of consent, and the `Controls` behind RPC and attributes. Nothing is heard
    before people have been told. `RoomIO` hears one participant at a time; everybody may write.
    """

    def __init__(
        self,
        session: AgentSession[Any],
        room_io: RoomIO,
        profile: Profile,
        store: ConsentStore | None = None,
    ) -> None:
        self._session = session
        self._room_io = room_io
        self._store = store
        self._settings = profile.room
        self._stop_phrases = profile.soundboard.stop_phrases
        self._excluded: set[str] = set()
        self._told = False
        topics = DataTopics(self.room)
        self._publisher = Publisher(
            (Posts(self.room), Cues(topics), Reports(self.room)),
            topics,
            Role(profile),
            call_id="",
            cue_to=self._cue_to,
            telemetry=False,
            metrics=METRICS,
        )
        self.consent = Consent(may_control=self._may_control)
        self.consent.attach(self)
        self._group = asyncio.TaskGroup()
        self._rules: HouseRules | None = None
        self._realtime: RealtimeSession
        self._task: asyncio.Task[None] | None = None

    @classmethod
    def around(
        cls,
        session: AgentSession[Any],
        realtime: RealtimeSession,
        profile: Profile,
        store: ConsentStore | None = None,
    ) -> Self | None:
        """None where the session is in no room. `store` is what outlives this process."""
        try:
            room_io = session.room_io
        except RuntimeError:
            return None
        hosted = cls(session, room_io, profile, store)
        hosted.serve(realtime)
        hosted._task = asyncio.create_task(hosted._run(), name="interject-hosted-room")
        return hosted

    @property
    def room(self) -> rtc.Room:
        return self._room_io.room

    def serve(self, realtime: RealtimeSession) -> None:
        """Another agent of the session may bring another ear: what holds here holds for it."""
        self._realtime = realtime
        realtime.may_hear = self._may_hear
        realtime.on("interject_listening", self._on_listening)
        realtime.on("interject_decision", self._publisher.decided)
        realtime.on("interject_gap", self._publisher.lost)
        realtime.on("interject_spoken", self._publisher.put)
        realtime.on("interject_reply_ended", self._publisher.replied)
        realtime.on("interject_output", self._publisher.put)
        realtime.on("interject_unread", self._unread)
        if not self.consent.listening:
            realtime.stop_listening()

    async def aclose(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    # Consent

    def exclude(self, identity: str) -> None:
        self._excluded.add(identity)
        self._realtime.forget_sound()

    def include(self, identity: str) -> None:
        self._excluded.discard(identity)

    def stop_listening(self) -> None:
        self._realtime.stop_listening()

    def resume_listening(self) -> None:
        self._realtime.resume_listening()

    # Controls

    @property
    def mode(self) -> FloorMode:
        return self._realtime.mode

    @property
    def threshold(self) -> float:
        return self._realtime.threshold

    @property
    def cap(self) -> int | None:
        return self._realtime.cap

    def set_mode(self, mode: FloorMode) -> None:
        self._realtime.set_mode(mode)

    def set_threshold(self, threshold: float) -> None:
        self._realtime.set_threshold(threshold)

    def set_cap(self, per_minute: int | None) -> None:
        self._realtime.set_cap(per_minute)

    async def _run(self) -> None:
        """An agent that cannot keep the rules stays deaf."""
        try:
            await self._connected()
            if await self._leaves():
                return
            if self._store is not None:
                self.consent.keep(self._store.room(await self.room.sid))
            if self._room_io._chat_handler_registered:
                self.room.unregister_text_stream_handler(CHAT_TOPIC)
            rules = HouseRules(
                self.room,
                self._settings,
                self.consent,
                self,
                may_control=self._may_control,
                on_text=SoundWish(self._stop_phrases, self._publisher.forbid_sounds, self._on_text),
            )
            self._publisher.cues.call_id = self.room.name
            self.room.on("participant_connected", self._came)
            async with self._publisher, self._group, VoiceTrack(self.room), rules:
                self._rules = rules
                self._told = True
                spoken = rules.announcement.spoken and self.consent.listening
                if spoken and self._session.tts is not None:
                    say_whole(self._session, rules.announcement.text)
                await asyncio.Event().wait()
        except* Exception as failures:
            logger.error(
                "The agent listens to nobody: it could not announce itself",
                extra={"error_type": type(failures.exceptions[0]).__name__},
            )
        finally:
            self._told, self._rules = False, None
            self.room.off("participant_connected", self._came)

    async def _leaves(self) -> bool:
        """A job that was sent into a room where its agent is already ends."""
        job = get_job_context(required=False)
        if job is None or not job.job.agent_name:
            return False
        async with Precedence(self.room, job.job.agent_name) as precedence:
            lost = await precedence.lost()
        if lost:
            job.shutdown(reason=NOT_ALONE)
        return lost

    async def _connected(self) -> None:
        changed = asyncio.Event()

        def on_change(_state: object) -> None:
            changed.set()

        self.room.on("connection_state_changed", on_change)
        try:
            while not self.room.isconnected():
                changed.clear()
                await changed.wait()
        finally:
            self.room.off("connection_state_changed", on_change)

    def _may_hear(self) -> bool:
        return self._told and self._linked not in self._excluded

    @property
    def _linked(self) -> str:
        """Who is heard; nobody has an empty identity."""
        linked = self._room_io.linked_participant
        return "" if linked is None else linked.identity

    def _may_control(self, identity: str) -> bool:
        return may_control(self._settings, identity)

    def _came(self, _participant: rtc.RemoteParticipant) -> None:
        self._publisher.came()

    def _cue_to(self) -> list[str]:
        return present_people(self.room, self._settings.cue_to)

    def _on_listening(self, listening: bool, asker: str) -> None:
        """The model's word, or a program's, counts as the wish of whoever is heard."""
        if listening and not self.consent.listening:
            self.consent.resume(asker, authority=True)
        elif not listening and self.consent.listening:
            self.consent.stop(asker or self._linked)

    def _on_text(self, identity: str, text: str) -> None:
        """On to where `RoomIO` would have brought it; it reads only whom it hears."""
        read = self._room_io._text_input_cb
        participant = self.room.remote_participants.get(identity)
        if read is None or participant is None or self._linked not in ("", identity):
            logger.debug("A chat message is not read: the session hears somebody else")
            return
        event = TextInputEvent(text=text, participant=participant)
        self._group.create_task(self._read(read, event), name="chat-input")

    async def _read(self, read: TextInputCallback, event: TextInputEvent) -> None:
        """A mistake in somebody's text input must not end the listening."""
        WRITER.set(event.participant.identity if event.participant is not None else NOBODY)
        try:
            result = read(self._session, event)
            if asyncio.iscoroutine(result):
                await result
        except Exception as error:
            logger.warning(
                "A chat message was not taken", extra={"error_type": type(error).__name__}
            )
            self._unread(WRITER.get())

    def _unread(self, writer: str) -> None:
        if self._rules is not None and writer:
            self._rules.unread(writer)

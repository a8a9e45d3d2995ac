"""One agent on one call: whom it hears, what it owes them, and what it makes of replies.

It is long because all parts of a call meet here, each with what ties it to the others.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from interject.integrations.conversation.announcement import (
    SEND_TIMEOUT_S,
    Announcement,
    Notice,
    Participant,
)
from interject.integrations.conversation.call_follower import CallFollowers
from interject.integrations.conversation.call_log import counted, lines_of
from interject.integrations.conversation.call_notices import (
    SpokenNotices,
    UnwrittenNotices,
    spoken_settings,
    told,
)
from interject.integrations.conversation.call_replies import CallListener
from interject.integrations.conversation.call_session import CallSession
from interject.integrations.conversation.call_sounds import CallSounds
from interject.integrations.conversation.chat_rules import NOT_READ, ChatRules
from interject.integrations.conversation.consent import EVERYBODY, Consent
from interject.integrations.conversation.cues import Cues, addressed
from interject.integrations.conversation.floor_control import FloorControl
from interject.integrations.conversation.publisher import Publisher
from interject.integrations.conversation.reply_log import ReplyLog
from interject.integrations.conversation.session_controls import SessionControls
from interject.integrations.conversation.sound_wish import SoundWish
from interject.integrations.conversation.speaker_sessions import SpeakerSessions
from interject.integrations.conversation.written_turns import WrittenTurns
from interject.model_runtime.protocol import Decision, Gap

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from interject.agent.outputs import Output
    from interject.agent.records.session_recorder import SessionRecorder
    from interject.agent.statistics import SessionStatistics
    from interject.integrations.conversation.call_parts import CallParts
    from interject.integrations.conversation.floor_control import Method
    from interject.integrations.conversation.line import Line
    from interject.integrations.conversation.metrics import ConversationMetrics
    from interject.model_runtime.protocol import Event

LAST_WORDS_S = 10.0
MOST_TELLING = 16


class CallAgent:
    """Used with `async with`; entering opens the model's session and tells people first.

    The platform says who comes and goes and brings their sound and writing; what comes of it goes
    to its `line` and its sink. When `ended` is set, nothing is heard any more, and `failure` says
    why if it was no good reason.
    """

    def __init__(
        self,
        call_id: str,
        door: str,
        parts: CallParts,
        line: Line,
        *,
        metrics: ConversationMetrics,
        speakers: Sequence[str] = (),
        outputs: Sequence[Output] = (),
    ) -> None:
        role = parts.role
        profile = role.profile
        self.call_id = call_id
        self.door = door
        self.followers = CallFollowers()
        self._parts = parts
        self._metrics = metrics
        self._visits = itertools.count()
        self._people: dict[str, Participant] = {}
        self.consent = Consent(may_control=role.may_control)
        self.sessions = SpeakerSessions(
            self.consent,
            self._make,
            each=profile.room.ear == "each",
            present=lambda: self.present,
        )
        self.sounds = CallSounds(parts)
        self.controls = SessionControls(
            profile, lambda: self.sessions.made, on_mode=self.sounds.set_mode
        )
        settings = profile.room if line.writes else spoken_settings(profile.room)
        self._notices = line if line.writes else SpokenNotices(self._say_own)
        self._unwritten = UnwrittenNotices(
            profile.room, lambda words: self._start(self._say_own(words))
        )
        self._announcement = Announcement(
            settings,
            self._notices,
            present=lambda: list(self._people.values()),
            timeout_s=SEND_TIMEOUT_S if line.writes else None,
            on_failure=self._unwritten.failed,
        )
        self._texts = WrittenTurns(
            self.sessions.of, answer=settings.answer_chat, on_unread=self._unread
        )
        wish = SoundWish(profile.soundboard.stop_phrases, self._no_sounds, self._texts.take)
        self._chat = ChatRules(settings, self.consent, wish)
        self._control = FloorControl(
            self.controls,
            self.consent,
            may_control=role.may_control,
            on_change=lambda: None,
        )
        self._publisher = Publisher(
            (line, Cues(line), self.sounds, *outputs),
            line,
            role,
            call_id=call_id,
            cue_to=self._cue_to,
            telemetry=True,
            records=parts.records,
            metrics=metrics,
            aloud=lambda: self.sounds.is_open,
        )
        self._running = False
        self._group = asyncio.TaskGroup()
        self._telling: set[asyncio.Task[None]] = set()
        self._stack = contextlib.AsyncExitStack()
        for identity in speakers:
            self.came(identity)

    async def __aenter__(self) -> Self:
        """:raises RuntimeBusy, RuntimeFailure, VoiceFailure: when the call cannot be served."""
        async with contextlib.AsyncExitStack() as stack:
            enter = stack.enter_async_context
            stack.enter_context(counted(self._people, self.door, self._metrics))
            await self.sounds.begin()
            await enter(self._publisher)
            await self._group.__aenter__()
            stack.push_async_callback(self._group.__aexit__, None, None, None)
            self.consent.attach(self._announcement)
            self.consent.attach(self.sounds)
            await enter(self._announcement)
            stack.enter_context(self._on_the_call())
            await enter(self.sessions)
            self._texts.begin()
            self._stack = stack.pop_all()
        if self._announcement.spoken and self.consent.listening:
            self._start(self._say_own(self._announcement.text))
        self._unwritten.begin(said=self._announcement.spoken)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def record(self) -> SessionRecorder | None:
        return self._publisher.record

    @property
    def ended(self) -> asyncio.Event:
        return self.sessions.ended

    @property
    def failure(self) -> Exception | None:
        return self.sessions.failure

    # What the platform brings

    def came(self, identity: str) -> None:
        """Somebody is on the call, and may be heard."""
        if identity in self._people:
            return
        person = Participant(identity, str(next(self._visits)))
        self._people[identity] = person
        self._metrics.arrivals.inc()
        self.consent.meet(identity)
        if self._running:
            self._announcement.came(person)
            self._publisher.came()
            self.sessions.came(identity)

    def left(self, identity: str) -> None:
        person = self._people.pop(identity, None)
        if person is None:
            return
        self._metrics.departures.inc()
        self._announcement.left(person)
        self.sessions.left(identity)
        for session in self._hearing(identity):
            session.remove(identity)

    def hear(self, identity: str, samples: NDArray[np.int16], missing: int = 0) -> None:
        """16 kHz mono in order, `missing` samples after what came last. Never waits."""
        if identity in self._people:
            for session in self._hearing(identity):
                session.hear(identity, samples, missing)

    def rest(self, identity: str) -> None:
        """Muted: no more of it for now, and nobody waits for it."""
        for session in self._hearing(identity):
            session.rest(identity)

    def write(self, identity: str, text: str, *, wishes_only: bool = False) -> None:
        """One whole message. What becomes of one that is not read is told to its writer.

        `wishes_only`: nothing may be read now but a wish to stop or to go on.
        """
        if (refused := self._chat.take(identity, text, wishes_only=wishes_only)) is not None:
            self._tell(identity, refused)

    def digit(self, identity: str, digit: str, *, wishes_only: bool = False) -> None:
        """A key of a telephone: one of them lets the listening stop and go on, of the others the
        model is told, where it may be.
        """
        if digit == self._parts.role.profile.room.listening_digit:
            self._chat.switch_listening(identity)
        elif not wishes_only and self.consent.listening and (hears := self.sessions.of(identity)):
            hears.text_turn(f"{identity} pressed {digit}.", answer=False, writer=identity)

    def control(self, method: Method, payload: str, *, caller: str) -> str:
        """:raises ControlRefused: when the payload is not its JSON, or the caller may not."""
        return self._control.call(method, payload, caller=caller)

    async def interrupt(self) -> None:
        """Be silent now; what was not heard leaves the model's memory too."""
        self.sounds.talked_over()
        for session in self.sessions.open:
            await session.interrupt()

    async def be_quiet(self) -> None:
        self.sounds.silence()
        await self.interrupt()

    async def say(self, text: str) -> None:
        """Words of the operator's, which the model remembers as its own.

        :raises RuntimeFailure: when it cannot take them.
        """
        for session in self.sessions.open[:1]:
            await session.say(text)

    def answer_now(self) -> None:
        for session in self.sessions.open[:1]:
            session.answer_now()

    async def leave(self, text: str = "") -> None:
        """Say a last sentence, if there is one and a voice for it, and end the call."""
        with lines_of(self.call_id), contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_S):
                await self.interrupt()
                if text:
                    await self._say_own(text)
        self.sessions.ended.set()

    @property
    def present(self) -> tuple[str, ...]:
        return tuple(self._people)

    def statistics(self) -> tuple[SessionStatistics, ...]:
        """One for each session that is open."""
        return tuple(found for one in self.sessions.open if (found := one.statistics()))

    # What sessions tell, and what people are told

    def _make(self, identity: str | None) -> CallSession:
        put, replied = self._publisher.put, self._publisher.replied
        verdict, stop = self.followers.on_verdict, self.consent.stop
        return CallSession(
            self.call_id if identity is None else f"{self.call_id}-{identity}",
            self._parts_of(identity),
            CallListener(
                self._on_event,
                verdict,
                replied,
                put,
                stop,
                self._unread,
                self.sounds.heard,
                self.sounds.talked_over,
            ),
            ReplyLog(self._metrics, self._parts.clock),
            mode=self.controls.mode,
            threshold=self.controls.threshold,
            cap=self.controls.cap,
            identity=identity,
        )

    def _parts_of(self, identity: str | None) -> CallParts:
        """There is one voice on a line: of several memories the first speaks, the others write."""
        sink = self._parts.sink if identity is None or not self.sessions.made else None
        return replace(self._parts, sink=sink, on_frame=self._publisher.ear())

    def _on_event(self, event: Event) -> None:
        if isinstance(event, Decision):
            self._publisher.decided(event)
        elif isinstance(event, Gap):
            self._publisher.lost(event)
        self.followers.on_event(event)

    def _unread(self, identity: str) -> None:
        self._tell(identity, NOT_READ)

    def _tell(self, identity: str, text: str) -> None:
        if len(self._telling) < MOST_TELLING and identity in self._people:
            self._start(self._notices.send_notice(Notice.UNREAD, text, [identity]))

    def _no_sounds(self) -> None:
        self.sounds.silence()
        self._publisher.forbid_sounds()

    async def _say_own(self, text: str) -> None:
        """What people must be told has no music under it."""
        self.sounds.silence()
        for session in self.sessions.open[:1]:
            await session.say_own(text)

    def _cue_to(self) -> list[str]:
        """Where a profile names nobody, whoever is on the call."""
        return addressed(self._parts.role.addressees or (EVERYBODY,), self._people)

    def _hearing(self, identity: str) -> list[CallSession]:
        return [one for one in self.sessions.open if one.identity in (None, identity)]

    def _start(self, work: Coroutine[None, None, None]) -> None:
        if not self._running:
            work.close()
            return
        task = self._group.create_task(told(work), name="tell")
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    @contextlib.contextmanager
    def _on_the_call(self) -> Iterator[None]:
        self._running = True
        try:
            yield
        finally:
            self._running = False
            for task in self._telling:
                task.cancel()

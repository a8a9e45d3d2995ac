"""The agent behind a pipeline: a call like any other, whose line and voice are the pipeline."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import time
import uuid
from collections import deque
from typing import TYPE_CHECKING

from interject.agent.first_of import first_of
from interject.integrations.audio.talk_over import SPEECH_DBFS
from interject.integrations.conversation.call_agent import CallAgent
from interject.integrations.conversation.call_log import lines_of
from interject.integrations.conversation.call_notices import spoken_settings
from interject.integrations.conversation.call_parts import CallParts
from interject.integrations.conversation.metrics import ConversationMetrics
from interject.integrations.conversation.role import Role
from interject.integrations.pipecat.context_reader import Author
from interject.integrations.pipecat.heard_sink import HeardSink
from interject.integrations.pipecat.settings import Interruptions
from interject.model_runtime.opening import check_runtime, open_runtime
from interject.model_runtime.protocol import Decision, FloorMode, RuntimeFailure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection

    from interject.agent.floor import Verdict
    from interject.config import Profile
    from interject.integrations.conversation.line import Line
    from interject.integrations.pipecat.context_reader import ContextNews
    from interject.integrations.pipecat.pipeline_voice import PipelineVoice
    from interject.model_runtime.protocol import Event, ReplyStarted, Runtime

logger = logging.getLogger(__name__)

DOOR = "pipecat"
MOST_OWED = 64
"""What was asked of a model that is being loaded."""
ENDED = "the runtime has ended the session"


class PipelineCall:
    """`runtime` is a URL, opened for this call alone and closed with it, or one that stays open."""

    def __init__(
        self,
        runtime: str | Runtime,
        profile: Profile,
        line: Line,
        voice: PipelineVoice,
        *,
        interruptions: Interruptions = Interruptions.NEVER,
        on_event: Callable[[Event], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """:raises RuntimeFailure: when the URL names no runtime, or a model that is not there."""
        if isinstance(runtime, str):
            check_runtime(runtime)
        self.opened = asyncio.Event()
        """Set when it hears, or never will."""
        self.agent: CallAgent | None = None
        self._runtime = runtime
        self._role = Role(
            _audible(profile), runtime, barge_in=interruptions is Interruptions.TALK_OVER
        )
        self._yields = interruptions is Interruptions.DECISION
        self._line = line
        self._voice = voice
        self._on_event = on_event
        self._clock = clock
        self._owed: deque[Callable[[CallAgent], None]] = deque()
        self._leaving = asyncio.Event()
        self._interrupting: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Until `leave`.

        :raises RuntimeBusy, RuntimeFailure: when it cannot be served, or not any more.
        """
        call_id = uuid.uuid4().hex
        try:
            with lines_of(call_id):
                async with self._opened_runtime() as runtime:
                    await self._serve(call_id, runtime)
        finally:
            self.agent = None
            self.opened.set()

    def with_agent(self, act: Callable[[CallAgent], None]) -> None:
        """At once, or in its order when the model is there; not where there will be none."""
        if self.agent is not None:
            act(self.agent)
        elif self.opened.is_set():
            return
        elif len(self._owed) < MOST_OWED:
            self._owed.append(act)
        else:
            logger.warning("A pipeline's frame is lost; too many wait for the model")

    def leave(self) -> None:
        self._leaving.set()

    def interrupt(self) -> None:
        """Whatever is being said and waits to be said is cut; what was heard of it stays."""
        if self.agent is None or not (self._interrupting is None or self._interrupting.done()):
            return
        self._interrupting = asyncio.create_task(self.agent.interrupt(), name="interrupt")

    def text_turn(self, identity: str, text: str, *, answer: bool = False) -> None:
        """Tell the model that hears `identity`, unless nobody is listened to."""
        if (agent := self.agent) is None or not agent.consent.listening:
            return
        if (session := agent.sessions.of(identity)) is not None:
            session.text_turn(text, answer=answer, writer=identity)

    def tell(self, identity: str, news: ContextNews) -> None:
        """What a context holds that is new. Who asks himself has it read as any other message."""
        if (agent := self.agent) is None:
            return
        for turn in news.turns:
            if turn.answered and turn.author is Author.PERSON:
                agent.write(identity, turn.text)
            else:
                self.text_turn(identity, turn.text, answer=turn.answered)
        if news.reply_wanted:
            agent.answer_now()

    def change(
        self, profile: Profile, changed: Collection[str], writer: str, note: str, agent: CallAgent
    ) -> None:
        """Of a profile's settings, those that have changed; `note`: the program's instruction."""
        if "threshold" in changed:
            agent.controls.set_threshold(profile.threshold)
        if "mode" in changed:
            agent.controls.set_mode(FloorMode(profile.mode))
        if "unprompted_per_minute" in changed:
            agent.controls.set_cap(profile.reply.unprompted_per_minute)
        if "system_instruction" in changed and note:
            self.text_turn(writer, note)

    async def _serve(self, call_id: str, runtime: Runtime) -> None:
        parts = CallParts(
            self._role,
            runtime,
            sink=HeardSink(self._voice.silence),
            voice=self._voice,
            clock=self._clock,
        )
        agent = CallAgent(call_id, DOOR, parts, self._line, metrics=_metrics())
        agent.followers.add(self)
        async with agent:
            self.agent = agent
            while self._owed:
                self._owed.popleft()(agent)
            self.opened.set()
            await first_of(agent.ended.wait(), self._leaving.wait())
            self.agent = None
        if not self._leaving.is_set():
            raise agent.failure or RuntimeFailure(ENDED)

    @contextlib.asynccontextmanager
    async def _opened_runtime(self) -> AsyncIterator[Runtime]:
        if not isinstance(self._runtime, str):
            yield self._runtime
            return
        runtime = await asyncio.to_thread(open_runtime, self._runtime)
        try:
            yield runtime
        finally:
            await runtime.aclose()

    def on_event(self, event: Event) -> None:
        """As a `CallFollower`."""
        if self._yields and isinstance(event, Decision) and self._gives_way(event):
            self.interrupt()
        self._on_event(event)

    def on_verdict(self, started: ReplyStarted, verdict: Verdict) -> None:
        """The pipeline sees what becomes of a reply."""

    def _gives_way(self, decision: Decision) -> bool:
        """The model has nothing to say to somebody who speaks while it is heard."""
        loud = any(speaker.level_dbfs >= SPEECH_DBFS for speaker in decision.speakers)
        return loud and not decision.respond and self._voice.sounding


def _audible(profile: Profile) -> Profile:
    """Nobody can read in a pipeline: notices are written to the line in the words for the ear."""
    room = spoken_settings(profile.room)
    announce = "none" if room.announce == "none" else "text"
    return profile.model_copy(update={"room": room.model_copy(update={"announce": announce})})


@functools.cache
def _metrics() -> ConversationMetrics:
    """One for all pipelines of a process."""
    return ConversationMetrics(DOOR, place="call")

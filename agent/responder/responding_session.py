"""A session of the gate's in which a responder finds the words of some replies.

Its events are those of any runtime: a reply starts when the gate says so, its words are the
responder's or the draft's, and it ends. Whoever speaks cannot tell them apart.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from interject.agent.recent_speakers import RecentSpeakers
from interject.agent.responder.answering import Answering
from interject.agent.responder.dialogue import Dialogue
from interject.agent.responder.event_lane import EventLane
from interject.agent.responder.handed_reply import HandedReply
from interject.agent.responder.recent_sound import RecentSound
from interject.agent.responder.said_memory import SaidMemory
from interject.model_runtime.forwarding import ForwardingSession
from interject.model_runtime.protocol import (
    Cause,
    Closed,
    Decision,
    Emotion,
    EndReason,
    ReplyDelta,
    ReplyEnded,
    ReplyStarted,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from interject.agent.privacy.redactor import Redactor
    from interject.agent.responder.responder import Responder
    from interject.agent.responder.routing import Routing
    from interject.agent.responder.tools.permission import Permissions
    from interject.model_runtime.protocol import Event, Frame, RuntimeSession

LAST_EVENT_S = 2.0
MOST_PLAIN = 64


class RespondingSession(ForwardingSession):
    def __init__(
        self,
        inner: RuntimeSession,
        responder: Responder,
        routing: Routing,
        redactor: Redactor,
        permissions: Permissions,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(inner)
        settings = responder.settings
        self._responder = responder
        self._routing = routing
        self._sound = RecentSound(settings.most_sound_s)
        self._dialogue = Dialogue(settings.most_turns)
        self._memory = SaidMemory(inner, clock)
        self._lane = EventLane()
        self._speakers = RecentSpeakers()
        self._answering = Answering(
            inner.session_id,
            responder,
            routing,
            redactor,
            permissions,
            self._dialogue,
            self._memory,
            self._lane,
            lambda handed: self._handed.pop(handed.reply_id, None),
            clock,
        )
        self._handed: dict[int, HandedReply] = {}
        self._plain: OrderedDict[int, str] = OrderedDict()
        self._captured_at: tuple[int, float] | None = None
        self._task = asyncio.create_task(self._run(), name=f"responding-{inner.session_id}")

    # What whoever speaks asks of the gate

    async def push(self, frame: Frame) -> None:
        self._sound.push(frame)
        await super().push(frame)

    def forget_sound(self) -> None:
        """What was heard so far is given to nobody."""
        self._sound.forget()

    async def text_turn(self, text: str, *, answer: bool = True) -> None:
        await super().text_turn(text, answer=answer)
        self._dialogue.typed(text)

    async def say(self, text: str, *, emotion: Emotion = Emotion.NORMAL) -> None:
        await self._memory.say(text, emotion)

    async def cancel(self, reply_id: int, *, heard_chars: int) -> None:
        self._dialogue.cut(reply_id, heard_chars)
        if handed := self._handed.pop(reply_id, None):
            await self._cut(handed, max(heard_chars, handed.heard_chars))
        elif self._memory.knows(reply_id):
            await self._memory.cut(reply_id, heard_chars)
        else:
            await super().cancel(reply_id, heard_chars=heard_chars)

    async def heard(self, reply_id: int, *, chars: int) -> None:
        if handed := self._handed.get(reply_id):
            handed.heard_chars = max(handed.heard_chars, chars)
        elif self._memory.knows(reply_id):
            await self._memory.heard(reply_id, chars)
        else:
            await super().heard(reply_id, chars=chars)

    def events(self) -> AsyncIterator[Event]:
        return self._lane.read()

    async def close(self) -> None:
        for handed in tuple(self._handed.values()):
            if handed.task is not None:
                handed.task.cancel()
        try:
            await super().close()
        finally:
            await asyncio.wait({self._task}, timeout=LAST_EVENT_S)
            self._task.cancel()

    # What the gate says

    async def _run(self) -> None:
        """What was begun is said to its end, even if the gate's session ends before."""
        try:
            closed: Closed | None = None
            async with asyncio.TaskGroup() as group:
                async for event in self.inner.events():
                    if isinstance(event, Closed):
                        closed = event
                    else:
                        await self._follow(event, group)
                        await self._lane.room()
                self._break_off_drafts()
            if closed is not None:
                self._lane.put(closed)
        finally:
            self._lane.close()

    async def _follow(self, event: Event, group: asyncio.TaskGroup) -> None:
        match event:
            case Decision():
                self._captured_at = event.seq, event.captured_at
                self._speakers.decided(event)
                self._lane.put(event)
            case ReplyStarted():
                if event.cause is Cause.SAY and await self._memory.begins(event):
                    return
                self._start(event, group)
            case ReplyDelta():
                self._go_on(event)
            case ReplyEnded():
                await self._end(event)
            case _:
                self._lane.put(event)

    def _start(self, started: ReplyStarted, group: asyncio.TaskGroup) -> None:
        self._lane.put(started)
        heard = self._sound.take(started.seq)
        if not self._routing.may_take(started):
            self._keep(started.reply_id)
            return
        typed = self._dialogue.take_typed()
        handed = HandedReply(started, heard, typed, self._speaker(started, typed))
        self._handed[started.reply_id] = handed
        at = self._captured_at
        captured_at = at[1] if at is not None and at[0] == started.seq else None
        handed.task = group.create_task(
            self._answering.serve(handed, captured_at), name=f"answer-{started.reply_id}"
        )

    def _go_on(self, delta: ReplyDelta) -> None:
        if self._memory.owns(delta.reply_id):
            return
        handed = self._handed.get(delta.reply_id)
        if handed is None or handed.ended is not None:
            self._lane.put(delta)
        else:
            self._answering.drafted(handed, delta)

    async def _end(self, ended: ReplyEnded) -> None:
        if self._memory.owns(ended.reply_id):
            return
        handed = self._handed.get(ended.reply_id)
        if handed is not None:
            handed.ended = ended
            handed.drafted.set()
            return
        typed = self._plain.pop(ended.reply_id, None)
        if typed is not None:
            self._dialogue.replied(ended.reply_id, ended.text, typed=typed)
        self._lane.put(ended)

    async def _cut(self, handed: HandedReply, heard_chars: int) -> None:
        """The endpoint is told by its connection, which is closed."""
        if handed.task is not None:
            handed.task.cancel()
        if handed.ended is None:
            await super().cancel(handed.reply_id, heard_chars=heard_chars)
        else:
            await self._answering.cut(handed, heard_chars)

    def _speaker(self, started: ReplyStarted, typed: str) -> str:
        """Whose words it answers. Of what was written the writer is not known here."""
        return "" if typed else self._speakers.before(started.session_id, started.seq) or ""

    def _keep(self, reply_id: int) -> None:
        self._plain[reply_id] = self._dialogue.take_typed()
        while len(self._plain) > MOST_PLAIN:
            self._plain.popitem(last=False)

    def _break_off_drafts(self) -> None:
        """No word of them follows."""
        for handed in tuple(self._handed.values()):
            if handed.ended is None:
                handed.ended = ReplyEnded(
                    self.session_id, handed.reply_id, EndReason.CANCELLED, handed.draft, 0
                )
                handed.drafted.set()

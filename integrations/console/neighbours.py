"""Processes that show each other their sessions, as one of them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING, Self

from pydantic import ValidationError

from interject.integrations.console.neighbour_messages import (
    HEAD,
    AnswerFollows,
    FollowThese,
    MomentsFollow,
    operators_in,
)
from interject.integrations.console.neighbour_session import ANSWER_S
from interject.integrations.console.neighbour_sessions import NOT_DONE, NeighbourSessions
from interject.integrations.console.outgoing_letters import OutgoingLetters
from interject.integrations.console.session_sharing import SessionSharing
from interject.integrations.web.log_throttle import LogThrottle
from interject.model_runtime.protocol import RuntimeAway, RuntimeFailure

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from interject.integrations.console.live_sessions import LiveSessions
    from interject.integrations.console.neighbourhood import Neighbourhood

logger = logging.getLogger(__name__)

BEAT_S = 1.0
LEAST_BEAT = 0.2
"""Of that: what changes is told sooner, but not more often."""
REST_BEATS = 30
"""So long after something else than an outage nothing is tried."""
LAST_S = ASKED_S = 2.0
LATE = f"the process that serves this session stood still: {NOT_DONE}"


class Neighbours:
    """Used with `async with`: meanwhile others see and operate `own`, and where `looks` is set
    theirs are in `sessions`. Where that cannot be, the log says so once, nothing else ends, and it
    is tried again.
    """

    def __init__(
        self,
        way: Neighbourhood,
        own: LiveSessions,
        *,
        looks: bool,
        beat_s: float = BEAT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._way = way
        self._own = own
        self._looks = looks
        self._beat_s = beat_s
        self._clock = clock
        self._outgoing = OutgoingLetters()
        self._sharing = SessionSharing(own, self._outgoing, clock=clock)
        self.sessions = NeighbourSessions(
            way.token, self._outgoing, is_own=lambda one: own.live(one) is not None
        )
        self._barred = ""
        self._leaving = False
        self._changed = asyncio.Event()
        self._read_at = clock()
        self._unreadable = LogThrottle(clock=clock)
        self._group: asyncio.TaskGroup
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._own.feed.add(self)
        self._own.operators.elsewhere = self._operators
        self._running = asyncio.create_task(self._run(), name="neighbours")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._leaving = True
        self._own.feed.discard(self)
        if self._running is None or self._running.done():
            return
        self._running.cancel()
        await asyncio.wait({self._running})
        with contextlib.suppress(RuntimeFailure, TimeoutError):
            async with asyncio.timeout(LAST_S):
                await self._way.send(self._outgoing.rest())
                await self._way.leave(self._sharing.bulletin())

    async def _operators(self) -> int:
        """At the consoles of others, now. Nobody, where none of them can be reached."""
        try:
            async with asyncio.timeout(ASKED_S):
                return operators_in(await self._way.bulletins())
        except (RuntimeFailure, TimeoutError):
            return 0

    def put(self, text: str) -> None:
        """As a `FeedReader` of the own sessions: something has changed."""
        self._changed.set()

    async def _run(self) -> None:
        """What bars the way may be mended: after a rest it is tried again."""
        while not self._leaving:
            try:
                async with asyncio.TaskGroup() as self._group:
                    for step in (self._beat, self._send, self._receive):
                        self._group.create_task(self._again_and_again(step), name=step.__name__)
            except* RuntimeFailure as failures:
                self._bar(str(failures.exceptions[0]))
            except* Exception as failures:
                self._bar(type(failures.exceptions[0]).__name__)
            if not self._leaving:
                await asyncio.sleep(REST_BEATS * self._beat_s)

    def _bar(self, reason: str) -> None:
        """Each reason is told once, until it is gone."""
        if reason != self._barred:
            logger.warning(
                "Sessions are not shown to other processes, nor theirs here",
                extra={"reason": reason},
            )
        self._barred = reason
        self._forget_all()

    def _forget_all(self) -> None:
        self.sessions.away()
        self._sharing.forget()

    async def _again_and_again(self, step: Callable[[], Awaitable[None]]) -> None:
        """The client of Redis may swallow a cancellation; the task still knows."""
        task = asyncio.current_task()
        while task is not None and not task.cancelling():
            try:
                await step()
            except RuntimeAway:
                self._forget_all()
                await asyncio.sleep(self._beat_s / 2)

    async def _beat(self) -> None:
        self._own.look()
        self._sharing.look()
        self._changed.clear()
        await self._way.post(self._sharing.bulletin())
        if self._looks:
            self.sessions.read(await self._way.bulletins())
            self.sessions.say_followed()
        if self._barred:
            logger.info("Sessions are shown to other processes again")
            self._barred = ""
        await asyncio.sleep(LEAST_BEAT * self._beat_s)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout((1 - LEAST_BEAT) * self._beat_s):
                await self._changed.wait()

    async def _send(self) -> None:
        letters = await self._outgoing.take()
        if not letters:
            return
        taken = await self._way.send(letters)
        gone = {to for (to, *_), there in zip(letters, taken, strict=True) if not there}
        self._sharing.forget(gone)
        self.sessions.vanished(gone)

    async def _receive(self) -> None:
        found = await self._way.receive()
        late = self._clock() - self._read_at > ANSWER_S
        self._read_at = self._clock()
        for head, body in found:
            self._take(head, body, late=late)

    def _take(self, head: bytes, body: bytes, *, late: bool) -> None:
        try:
            letter = HEAD.validate_json(head)
        except ValidationError:
            if count := self._unreadable.note():
                logger.warning("A letter of another process cannot be read", extra={"count": count})
            return
        match letter:
            case FollowThese():
                self._sharing.follow(letter)
            case MomentsFollow():
                self.sessions.told(letter, body)
            case AnswerFollows():
                self.sessions.answered(letter)
            case _ if late:
                self._sharing.refuse(letter, LATE)
            case _:
                self._group.create_task(self._sharing.operate(letter), name="operate")

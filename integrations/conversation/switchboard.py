"""What all doors of a process share: a role, one runtime, and room for so many calls."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from interject.integrations.conversation.call_agent import CallAgent
from interject.integrations.conversation.call_follower import CallFacts
from interject.integrations.conversation.call_parts import CallParts
from interject.integrations.conversation.free_slots import free_slots
from interject.integrations.conversation.metrics import ConversationMetrics
from interject.model_runtime.protocol import RuntimeFailure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from interject.agent.outputs import Output
    from interject.agent.records.store import RecordStore
    from interject.agent.responder.responder import Responder
    from interject.agent.sinks import AudioSink
    from interject.config import Profile
    from interject.integrations.audio.echo import EchoProcessor
    from interject.integrations.conversation.call_follower import CallsFollower
    from interject.integrations.conversation.line import Line
    from interject.integrations.conversation.role import Role
    from interject.integrations.conversation.runtime_connection import ReconnectBackoff
    from interject.model_runtime.protocol import Runtime

logger = logging.getLogger(__name__)

ASK_TIMEOUT_S = 3.0
LAST_CALLS_S = 15.0
UNANSWERED = f"no answer within {ASK_TIMEOUT_S:g} s"
NO_MODEL = "the model has no room for another call, or cannot be reached"


class SwitchboardFull(Exception):
    """No call is taken now; the text says why."""


class Seat:
    """The room of one call, from before it is answered to its end."""

    def __init__(self, give_back: Callable[[Seat], None]) -> None:
        self._give_back = give_back

    def release(self) -> None:
        """More than once does nothing."""
        self._give_back(self)


class Switchboard:
    """`most_calls` is exact, and counts calls that are only about to come. None: what the runtime
    has.

    `outputs` get what all calls make known, and `followers` what is decided in them; the first of
    these is asked where a tool needs an operator's yes. `goodbye` is said, where there is a voice,
    to those whose call is ended from here. `responder` is that of the role's profile, for all calls
    that have no other.
    """

    def __init__(
        self,
        role: Role,
        runtime: Runtime,
        *,
        most_calls: int | None = None,
        outputs: Sequence[Output] = (),
        followers: Sequence[CallsFollower] = (),
        make_echo: Callable[[], EchoProcessor] | None = None,
        backoff: ReconnectBackoff | None = None,
        goodbye: str = "",
        records: RecordStore | None = None,
        responder: Responder | None = None,
    ) -> None:
        self.role = role
        self.most_calls = most_calls
        self.draining = False
        self.registry = CollectorRegistry()
        self._runtime = runtime
        self._outputs = tuple(outputs)
        self._followers = tuple(followers)
        self._make_echo = make_echo
        self._backoff = backoff
        self._goodbye = goodbye
        self._records = records
        self._responder = responder
        self._metrics: dict[str, ConversationMetrics] = {}
        self._seats: set[Seat] = set()
        self._calls: dict[tuple[str, str], CallAgent] = {}
        self._freed = asyncio.Event()

    @property
    def calls(self) -> tuple[CallAgent, ...]:
        """Those that are being served."""
        return tuple(self._calls.values())

    def call_ids(self) -> frozenset[str]:
        """As platforms gave them."""
        return frozenset(call_id for _, call_id in self._calls)

    @property
    def taken(self) -> int:
        """Calls, and those that are about to come."""
        return len(self._seats)

    def of(self, platform: str, call_id: str) -> CallAgent | None:
        """Whoever serves it: `platform` is the one that gave the id, or else the door."""
        return self._calls.get((platform, call_id))

    async def admit(self) -> Seat:
        """The seat of a call that the model, too, has room for.

        :raises SwitchboardFull: when there is none, or the model cannot be asked.
        """
        if reason := self._refusal():
            raise SwitchboardFull(reason)
        if not await self._has_model():
            raise SwitchboardFull(NO_MODEL)
        return self.reserve()

    def reserve(self) -> Seat:
        """:raises SwitchboardFull: when there is no room, or none is given any more."""
        if reason := self._refusal():
            raise SwitchboardFull(reason)
        seat = Seat(self._take_back)
        self._seats.add(seat)
        return seat

    @contextlib.asynccontextmanager
    async def call(
        self,
        seat: Seat,
        *,
        door: str,
        call_id: str,
        line: Line,
        platform: str = "",
        sink: AudioSink | None = None,
        speakers: Sequence[str] = (),
        profile: Profile | None = None,
        cue_to: tuple[str, ...] | None = None,
        label: str = "",
    ) -> AsyncIterator[CallAgent]:
        """Serve one call. The seat is given back at its end, whatever happened. `label` is what
        people may know it by.

        `platform` gave the id, where the door is open to several: whoever dials by one may not take
        an id that another has given.

        :raises RuntimeBusy, RuntimeFailure, VoiceFailure: when it cannot be served.
        :raises SwitchboardFull: when a call of this id is being served.
        """
        key = (platform or door, call_id)
        async with contextlib.AsyncExitStack() as stack:
            stack.callback(seat.release)
            if key in self._calls:
                raise SwitchboardFull("this call is being served already")
            role = self._role(profile, cue_to)
            facts = CallFacts(call_id, platform or door, role.profile.name, label)
            following = [stack.enter_context(one.follow(facts)) for one in self._followers]
            agent = CallAgent(
                call_id,
                door,
                CallParts(
                    role=role,
                    runtime=self._runtime,
                    sink=sink,
                    readers=line.writes,
                    make_echo=self._make_echo,
                    backoff=self._backoff,
                    records=self._records,
                    responder=self._responder if profile is None else None,
                    operator=following[0].operator if following else None,
                ),
                line,
                metrics=self.metrics(door),
                speakers=speakers,
                outputs=(*self._outputs, *(one.output for one in following)),
            )
            for one in following:
                agent.followers.add(one)
            self._calls[key] = agent
            stack.callback(self._calls.pop, key)
            await stack.enter_async_context(agent)
            for one in following:
                one.opened(agent)
            yield agent

    def metrics(self, door: str) -> ConversationMetrics:
        if door not in self._metrics:
            self._metrics[door] = ConversationMetrics(door, place="call", registry=self.registry)
        return self._metrics[door]

    async def drain(self, within_s: float) -> None:
        """Take no more calls; those in progress may end by themselves for so long, then they are
        told and ended.
        """
        self.draining = True
        if not await self._empty(within_s):
            logger.info("Calls are ended", extra={"count": len(self._calls)})
            await asyncio.gather(*(agent.leave(self._goodbye) for agent in self.calls))
            await self._empty(LAST_CALLS_S)

    async def _has_model(self) -> bool:
        try:
            async with asyncio.timeout(ASK_TIMEOUT_S):
                free = await free_slots(self._runtime)
        except (TimeoutError, RuntimeFailure) as error:
            logger.warning(
                "The runtime cannot be asked", extra={"reason": str(error) or UNANSWERED}
            )
            return False
        return free is None or free > 0

    def _refusal(self) -> str:
        if self.draining:
            return "no call is taken any more: this server is being stopped"
        if self.most_calls is not None and len(self._seats) >= self.most_calls:
            if self.most_calls == 1:
                return "the only call of this server is taken"
            return f"all {self.most_calls} calls of this server are taken"
        return ""

    def _role(self, profile: Profile | None, cue_to: tuple[str, ...] | None) -> Role:
        role = self.role if profile is None else replace(self.role, profile=profile)
        return role if cue_to is None else replace(role, cue_to=cue_to)

    def _take_back(self, seat: Seat) -> None:
        self._seats.discard(seat)
        self._freed.set()

    async def _empty(self, within_s: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while self._seats:
                    self._freed.clear()
                    await self._freed.wait()
        return not self._seats

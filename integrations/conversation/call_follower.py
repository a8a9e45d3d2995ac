"""Whoever follows calls: what is decided and said in them, as it comes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from interject.agent.floor import Verdict
    from interject.agent.outputs import Output
    from interject.agent.records.session_recorder import SessionRecorder
    from interject.agent.responder.tools.operator import Operator
    from interject.agent.statistics import SessionStatistics
    from interject.integrations.conversation.consent import Consent
    from interject.integrations.conversation.session_controls import SessionControls
    from interject.model_runtime.protocol import Event, ReplyStarted


class CallFollower(Protocol):
    """Of one call. It is told before anything of an event is said or shown, and never waits."""

    def on_event(self, event: Event) -> None: ...

    def on_verdict(self, started: ReplyStarted, verdict: Verdict) -> None: ...


class CallFollowers:
    """All those of one call, in the order in which they came."""

    def __init__(self) -> None:
        self._followers: list[CallFollower] = []

    def add(self, follower: CallFollower) -> None:
        self._followers.append(follower)

    def on_event(self, event: Event) -> None:
        for follower in self._followers:
            follower.on_event(event)

    def on_verdict(self, started: ReplyStarted, verdict: Verdict) -> None:
        for follower in self._followers:
            follower.on_verdict(started, verdict)


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What is known of a call when it begins. `label` is what people may know it by: a masked
    number, a room's name.
    """

    call_id: str
    door: str
    profile: str
    label: str = ""


class FollowedAgent(Protocol):
    """An agent as those who follow its call see and operate it."""

    consent: Consent
    controls: SessionControls

    @property
    def present(self) -> tuple[str, ...]:
        """Who is there."""

    @property
    def record(self) -> SessionRecorder | None: ...

    def statistics(self) -> tuple[SessionStatistics, ...]:
        """One for each session that is open, where the door has such figures."""

    async def say(self, text: str) -> None:
        """Words of the operator's, which the model remembers as its own.

        :raises RuntimeFailure: when it cannot take them.
        """

    def answer_now(self) -> None: ...

    async def be_quiet(self) -> None:
        """Nothing of it is heard any more; what was not leaves the model's memory."""


class FollowedCall(CallFollower, Protocol):
    """A follower that learns of the call's agent, too, once that is there."""

    @property
    def output(self) -> Output: ...

    @property
    def operator(self) -> Operator:
        """Who is asked before what needs a person's yes."""

    def hears(self, session_id: str, identity: str) -> None:
        """Whose ear a session is, where its name does not say so; nobody's: everybody's."""

    def opened(self, agent: FollowedAgent) -> None: ...


class CallsFollower(Protocol):
    """Of all calls of a process."""

    def follow(self, facts: CallFacts) -> AbstractContextManager[FollowedCall]:
        """From before the call's agent is there until it is over."""

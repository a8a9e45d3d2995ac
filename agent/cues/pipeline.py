"""What becomes of the cues of one call, on every platform."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from interject.agent.cues.rules import CueRules, Side
from interject.agent.cues.stack import CueStack
from interject.agent.outputs import Cue
from interject.agent.recent_speakers import RecentSpeakers
from interject.model_runtime.protocol import Decision

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.agent.outputs import OutputEvent
    from interject.config import Profile
    from interject.model_runtime.protocol import Event

AGENT = "agent"
"""What a telephone calls the one who is helped."""


class CuePipeline:
    """`addressees` is asked anew for each cue, and may name nobody. `agents` are those who are
    helped, by their identities; a rule about speakers takes everybody else for a customer.
    """

    def __init__(
        self,
        profile: Profile,
        addressees: Callable[[], list[str]],
        *,
        agents: tuple[str, ...] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._addressees = addressees
        self._agents = frozenset((*agents, AGENT))
        self._rules = CueRules(profile.cue, clock)
        self._stack = CueStack(clock)
        self._speakers = RecentSpeakers()

    def observe(self, event: Event) -> None:
        if isinstance(event, Decision):
            self._speakers.decided(event)

    def add(self, event: OutputEvent) -> OutputEvent | None:
        """What is to be made known of it; whatever is no cue comes back as it is."""
        if not isinstance(event, Cue):
            return event
        is_again = self._stack.holds(event)
        outcome = self._rules.judge(event, self._side(event), is_again=is_again)
        if not outcome.is_shown:
            return None
        return replace(self._stack.add(event), identities=tuple(self._addressees()))

    def _side(self, cue: Cue) -> Side | None:
        identity = self._speakers.before(cue.session_id, cue.chunk)
        if identity is None:
            return None
        return Side.AGENT if identity in self._agents else Side.CUSTOMER

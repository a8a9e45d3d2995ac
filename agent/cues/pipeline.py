"""From the replies of one call to what people are shown of it, on every platform."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from interject.agent.cues.checklist import Checklist
from interject.agent.cues.history import CallHistory
from interject.agent.cues.rules import CueRules, Side
from interject.agent.cues.sources import open_sources
from interject.agent.cues.stack import CueStack
from interject.agent.cues.tagged_runtime import TaggedReply
from interject.agent.floor import Verdict
from interject.agent.outputs import Cue, Posted, ways_out
from interject.agent.recent_speakers import RecentSpeakers
from interject.agent.soundboard.picker import SoundPicker
from interject.model_runtime.protocol import Cause, Decision

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from interject.agent.cues.checklist import ChecklistUpdate
    from interject.agent.cues.sources import SourceFinder
    from interject.agent.outputs import OutputEvent
    from interject.agent.soundboard.rules import SoundOutcome
    from interject.config import Profile
    from interject.model_runtime.protocol import Event, ReplyEnded, ReplyStarted

SourcedEvent = TypeVar("SourcedEvent", "Cue", "Posted")

AGENT = "agent"
"""What a telephone calls the one who is helped."""


def _uncounted(kind: str, outcome: SoundOutcome) -> None:
    """Nobody counts the sounds of this call."""


def _never() -> bool:
    """Here is no place for sounds but a card."""
    return False


class CuePipeline:
    """Whatever it returns is to be made known. `addressees` is asked anew for each, and may name
    nobody. `agents` are those who are helped, by their identities; a rule about speakers takes
    everybody else for a customer. `call_id` may be known later than the rest. `sources` are by
    default the notes of the profile. `aloud`: whether there is a track now on which sounds are
    played, where the profile lets them be.

    :raises ProfileError: when the notes cannot be read.
    """

    def __init__(
        self,
        profile: Profile,
        call_id: str,
        addressees: Callable[[], list[str]],
        *,
        agents: tuple[str, ...] = (),
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        sources: SourceFinder | None = None,
        aloud: Callable[[], bool] = _never,
        on_sound: Callable[[str, SoundOutcome], None] = _uncounted,
    ) -> None:
        self.call_id = call_id
        self._profile = profile
        self._addressees = addressees
        self._last_addressees: tuple[str, ...] = ()
        self._agents = frozenset((*agents, AGENT))
        self._rules = CueRules(profile.cue, clock)
        self._stack = CueStack(clock)
        self._sources = sources or open_sources(profile)
        self._speakers = RecentSpeakers()
        self._shows = "cue" in profile.outputs or bool(profile.checklist.items)
        self._checklist = Checklist(profile.checklist, wall_clock=wall_clock)
        self._history = CallHistory(profile, clock, wall_clock)
        self._sounds = SoundPicker(profile, clock, aloud=aloud, on_sound=on_sound)

    def begin(self) -> Iterator[OutputEvent]:
        """For those who are there, or have come: what there is to do."""
        update = self._addressed(self._checklist.state())
        if update.items:
            yield update

    def observe(self, event: Event) -> None:
        self._history.observe(event)
        if isinstance(event, Decision):
            self._speakers.decided(event)

    def replied(
        self, started: ReplyStarted, ended: ReplyEnded, verdict: Verdict
    ) -> Iterator[OutputEvent]:
        """A reply is whole, or cut. Words that were put into the model's mouth prove nothing."""
        self._history.replied(started, ended, verdict)
        if isinstance(ended, TaggedReply) and started.cause is not Cause.SAY:
            ticked = self._checklist.tick(
                ended.done, chunk=started.seq, at_s=self._history.at_s(started)
            )
            if ticked is not None:
                yield self._addressed(ticked)
        if verdict is not Verdict.SUPPRESS:
            shown = "cue" in ways_out(self._profile, started.mode)
            for cue in self._sounds.replied(started, ended):
                played = replace(cue, identities=self._present() if shown else ())
                self._history.played(played)
                yield played

    def forbid_sounds(self) -> Iterator[OutputEvent]:
        """Somebody wants none in this call."""
        for cue in self._sounds.forbid():
            yield replace(cue, identities=self._present())

    def add(self, event: OutputEvent) -> Iterator[OutputEvent]:
        """Whatever is no cue comes back as it is, but a post that needs a source gets it."""
        if isinstance(event, Posted):
            yield from self._post(event)
            return
        if not isinstance(event, Cue):
            self._history.made_known(event)
            yield event
            return
        if self._rules.needs_source(event.category):
            event = self._sourced(event)
        is_again = self._stack.holds(event)
        outcome = self._rules.judge(event, self._side(event), is_again=is_again)
        if not outcome.is_shown:
            self._history.cue(event, event, outcome)
            return
        shown = replace(self._stack.add(event), identities=self._present())
        self._history.cue(event, shown, outcome)
        yield shown

    def _sourced(self, event: SourcedEvent) -> SourcedEvent:
        """A responder may have said where it has it from."""
        sources = event.sources or self._sources.sources_of(event.text)
        return replace(event, sources=sources)

    def _post(self, event: Posted) -> Iterator[OutputEvent]:
        if self._rules.needs_source(event.category):
            event = self._sourced(event)
            if not event.sources:
                self._history.withheld(event)
                return
        self._history.made_known(event)
        yield event

    def finish(self) -> Iterator[OutputEvent]:
        """The call is over: for those who were there last, since they may have left. Where people
        are shown no cues, what became of all replies is no matter of theirs either.
        """
        checklist = self._addressed(self._checklist.state(over=True))
        if checklist.items:
            yield checklist
        identities = checklist.identities if self._shows else ()
        yield self._history.summary(self.call_id, checklist.items, identities)

    def _addressed(self, update: ChecklistUpdate) -> ChecklistUpdate:
        identities = self._present() or (self._last_addressees if update.over else ())
        return replace(update, call=self.call_id, identities=identities)

    def _present(self) -> tuple[str, ...]:
        present = tuple(self._addressees())
        self._last_addressees = present or self._last_addressees
        return present

    def _side(self, cue: Cue) -> Side | None:
        identity = self._speakers.before(cue.session_id, cue.chunk)
        if identity is None:
            return None
        return Side.AGENT if identity in self._agents else Side.CUSTOMER

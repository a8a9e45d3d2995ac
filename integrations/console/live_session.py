"""One session as the console sees it: what it is now, what happens in it, and its last minutes."""

from __future__ import annotations

import time
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from interject.agent.cues.checklist import ChecklistUpdate
from interject.agent.cues.summary import CallSummary
from interject.agent.outputs import URGENT_PRIORITY, Cue, Spoken, Unvoiced
from interject.integrations.console.feed import Feed
from interject.integrations.console.moments import (
    CardMoment,
    ChecklistMoment,
    ChunkMoment,
    GapMoment,
    SummaryMoment,
    WishMoment,
)
from interject.integrations.console.open_wishes import OpenWishes
from interject.integrations.console.reply_tracker import ReplyTracker
from interject.integrations.console.session_history import SessionHistory
from interject.integrations.console.session_view import SessionPulse, SessionStage, SessionView
from interject.integrations.console.shown_names import ShownNames
from interject.integrations.conversation.control_messages import Status
from interject.integrations.conversation.cues import cue_message
from interject.integrations.conversation.decision_message import decision_message
from interject.integrations.conversation.masked_number import with_masked_numbers
from interject.integrations.web.living_cards import CueCard
from interject.model_runtime.protocol import Decision, Gap, ReplyDelta, ReplyEnded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from interject.agent.floor import Verdict
    from interject.agent.outputs import OutputEvent
    from interject.agent.responder.tools.operator import Operator
    from interject.integrations.console.moments import ReplyMoment
    from interject.integrations.console.wish_view import WishView
    from interject.integrations.conversation.call_follower import CallFacts, FollowedAgent
    from interject.integrations.web.living_cards import CardMark
    from interject.model_runtime.protocol import Event, ReplyStarted


class LiveSession:
    """A `FollowedCall`, and the `Output` of its call.

    What speakers and cards say reaches `feed` and the history, and nothing else. `on_change` is
    told of each other state, and so of what operators are asked; `attended` says whether one is
    there.
    """

    def __init__(
        self,
        facts: CallFacts,
        on_change: Callable[[SessionView], None],
        *,
        attended: Callable[[], Awaitable[bool]],
        server: str = "",
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._on_change = on_change
        self.id = uuid.uuid4().hex
        self.agent: FollowedAgent | None = None
        self.feed = Feed()
        self.call_id = facts.call_id
        self._wall_clock = wall_clock
        self._names = ShownNames()
        self._ears: dict[str, str] = {}
        self._history = SessionHistory(self.id, wall_clock)
        self._replies = ReplyTracker(self.id, self._ear, self._replied, wall_clock=wall_clock)
        self._wishes = OpenWishes(attended, self._names.of, self._wished, wall_clock=wall_clock)
        self._last: Decision | None = None
        self.state = SessionView(
            id=self.id,
            call=with_masked_numbers(facts.call_id),
            door=facts.door,
            profile=facts.profile,
            label=with_masked_numbers(facts.label),
            server=server,
            began=round(wall_clock(), 3),
        )

    @property
    def output(self) -> LiveSession:
        return self

    @property
    def operator(self) -> Operator:
        return self._wishes

    @property
    def is_over(self) -> bool:
        return self.state.stage is SessionStage.OVER

    def moments(self) -> str:
        """The last minutes, as a list in JSON."""
        return self._history.moments()

    def pulse(self) -> SessionPulse:
        cards, last = [card for card in self._history.cards.living() if not card.mark], self._last
        speakers = last.speakers if last is not None else ()
        return SessionPulse(
            id=self.id,
            p_respond=None if last is None else round(last.p_respond, 4),
            responded=last is not None and last.respond,
            level_dbfs=max((one.level_dbfs for one in speakers), default=None),
            replies=self._replies.count,
            cards=len(cards),
            urgent=sum(card.cue.priority >= URGENT_PRIORITY for card in cards),
        )

    # As a follower of a call

    def hears(self, session_id: str, identity: str) -> None:
        self._ears[session_id] = identity

    def opened(self, agent: FollowedAgent) -> None:
        self.agent = agent
        self.refresh()

    def on_event(self, event: Event) -> None:
        match event:
            case Decision():
                self._decided(event)
            case Gap():
                self._lost(event)
            case ReplyDelta():
                self._replies.grew(event)
            case ReplyEnded():
                self._replies.ended(event)

    def on_verdict(self, started: ReplyStarted, verdict: Verdict) -> None:
        self._replies.started(started, verdict)

    async def emit(self, event: OutputEvent) -> None:
        match event:
            case Spoken() | Unvoiced():
                self._replies.made_known(event)
            case Cue():
                self._show(event)
            case ChecklistUpdate():
                self._history.checklist = found = ChecklistMoment(session=self.id, checklist=event)
                self.feed.tell(found)
            case CallSummary():
                self._history.summary = last = SummaryMoment(session=self.id, summary=event)
                self.feed.tell(last)

    def over(self) -> None:
        self.agent = None
        self._replies.close()
        ended = round(self._wall_clock(), 3)
        self._become({"stage": SessionStage.OVER, "ended": ended, "wishes": ()})

    # What people do

    def mark(self, card_id: str, mark: CardMark, by: str) -> bool:
        """False: there is no such card, or no longer."""
        card = self._history.cards.mark(card_id, mark, by)
        if card is not None:
            self.feed.tell(CardMoment(session=self.id, card=card))
            if self.agent is not None and self.agent.record is not None:
                self.agent.record.cue_changed(card_id, mark.value, by=by)
        return card is not None

    def answer(self, wish_id: str, *, allowed: bool, by: str) -> bool:
        """False: it is not asked any more."""
        return self._wishes.answer(wish_id, allowed=allowed, by=by)

    def refresh(self) -> None:
        """Look at the agent: not all that changes there is told."""
        if (agent := self.agent) is None:
            return
        controls, consent = agent.controls, agent.consent
        status = Status(
            mode=controls.mode,
            threshold=controls.threshold,
            per_minute=controls.cap,
            listening=consent.listening,
            withdrawn=self._names.all(consent.withdrawn),
        )
        now = {
            "status": status,
            "speakers": self._names.all(agent.present),
            "stage": SessionStage.LIVE,
            "wishes": self._wishes.shown(),
        }
        self._become(now)

    def _become(self, now: dict[str, object]) -> None:
        changed = self.state.model_copy(update=now)
        if changed != self.state:
            self.state = changed
            self._on_change(changed)

    # What happens in it

    def _decided(self, decision: Decision) -> None:
        self._last = decision
        now = self._wall_clock()
        shown = replace(decision, speakers=self._names.speakers(decision.speakers))
        threshold = self.state.status.threshold if self.state.status is not None else 0.5
        self._put(
            ChunkMoment(
                session=self.id,
                ear=self._ear(decision.session_id),
                threshold=threshold,
                decision=decision_message(shown, now=now),
            )
        )
        self._follow_speech()

    def _lost(self, gap: Gap) -> None:
        self._put(
            GapMoment(
                session=self.id,
                ear=self._ear(gap.session_id),
                chunk=gap.first_seq,
                count=gap.count,
                reason=gap.reason,
                time=self._wall_clock(),
            )
        )

    def _follow_speech(self) -> None:
        """How far the voice has come: asked for once a chunk, and only while it may speak."""
        if self.agent is None or not self._replies.any_spoken:
            return
        for statistics in self.agent.statistics():
            if statistics.saying is not None:
                self._replies.saying(*statistics.saying)

    def _put(self, moment: ChunkMoment | GapMoment) -> None:
        text = moment.model_dump_json()
        self._history.chunks.append(text)
        self.feed.tell_text(text)

    def _replied(self, reply: ReplyMoment) -> None:
        self._history.keep(reply)
        self.feed.tell(reply)

    def _wished(self, wish: WishView) -> None:
        moment = WishMoment(session=self.id, wish=wish)
        self._history.keep_wish(moment)
        self.feed.tell(moment)
        self._become({"wishes": self._wishes.shown()})

    def _show(self, cue: Cue) -> None:
        card = self._history.cards.put(
            CueCard(
                call=self.state.call,
                identities=self._names.all(cue.identities),
                cue=cue_message(cue, now=self._wall_clock()),
            )
        )
        self.feed.tell(CardMoment(session=self.id, card=card))

    def _ear(self, session_id: str) -> str:
        """A call's sessions are named after it, and whoever is heard alone after himself, too,
        unless somebody has said whose they are.
        """
        named = session_id.removeprefix(self.call_id).removeprefix("-")
        identity = self._ears.get(session_id, named)
        return self._names.of(identity) if identity else ""

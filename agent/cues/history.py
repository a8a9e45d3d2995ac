"""What is kept of a call for its summary; of a call of hours no more than of one of minutes."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING, Generic, TypeVar

from interject.agent.cues.call_time import CallTime
from interject.agent.cues.summary import (
    AskRecord,
    CallSummary,
    CueRecord,
    ReplyRecord,
    TalkShare,
)
from interject.agent.cues.summary_page import page
from interject.agent.floor import Verdict
from interject.agent.outputs import Cue, Posted, Spoken, category_of, rounded, stream_time_s
from interject.agent.privacy.redactor import Redactor
from interject.agent.responder.tools.asked_tool import AskedTool
from interject.model_runtime.protocol import FRAME_S, Decision, Gap, GapReason

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.agent.cues.checklist import ChecklistItem
    from interject.agent.cues.rules import CueOutcome
    from interject.agent.outputs import OutputEvent
    from interject.agent.soundboard.play_cue import PlayCue
    from interject.config import Profile
    from interject.model_runtime.protocol import Event, ReplyEnded, ReplyStarted

MOST_RECORDS = 500
MOST_SPEAKERS = 64
LONGEST_TEXT = 1_000
OTHERS = "others"
SEVERAL = 2
KEPT_CHUNKS = 64
"""In which ears may still be late."""
TALKING_DBFS = -45.0
"""From here on somebody talks; between this and quiet lie a room's and a line's noises."""

K = TypeVar("K")
R = TypeVar("R")


class Records(Generic[K, R]):
    """The last ones, and how many more there were."""

    def __init__(self) -> None:
        self._kept: OrderedDict[K, R] = OrderedDict()
        self.more = 0

    def __getitem__(self, key: K) -> R | None:
        return self._kept.get(key)

    def __setitem__(self, key: K, record: R) -> None:
        self._kept[key] = record
        if len(self._kept) > MOST_RECORDS:
            self._kept.popitem(last=False)
            self.more += 1

    def all(self) -> tuple[R, ...]:
        return tuple(self._kept.values())


class CallHistory:
    """Told of everything that happens in a call. `clock` is in seconds."""

    def __init__(
        self,
        profile: Profile,
        clock: Callable[[], float],
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._times = CallTime(clock)
        self._profile = profile.name
        self._redactor = Redactor(profile.privacy)
        self._clock = clock
        self._began, self._began_s = wall_clock(), clock()
        self._replies: Records[tuple[str, int], ReplyRecord] = Records()
        self._cues: Records[str, CueRecord] = Records()
        self._asks: Records[str, AskRecord] = Records()
        self._early: Records[tuple[str, int], tuple[str, int | None]] = Records()
        self._talked: Counter[str] = Counter()
        self._talking: OrderedDict[int, set[str]] = OrderedDict()
        self._overlapping = 0
        self._missed = dict.fromkeys(GapReason, 0)
        self._interruptions = 0

    def observe(self, event: Event) -> None:
        match event:
            case Decision():
                self._times.decided(event)
                self._heard(event)
            case Gap():
                self._missed[event.reason] += event.count

    def replied(self, started: ReplyStarted, ended: ReplyEnded, verdict: Verdict) -> None:
        """One without words has nothing to list."""
        if not ended.text.strip():
            return
        key = started.session_id, started.reply_id
        unseen = "suppressed" if verdict is Verdict.SUPPRESS else "unseen"
        became, heard = self._early[key] or (unseen, None)
        self._replies[key] = ReplyRecord(
            session=started.session_id,
            reply=started.reply_id,
            chunk=started.seq,
            at_s=rounded(self.at_s(started)),
            cause=started.cause.value,
            emotion=started.emotion.value,
            end=ended.reason.value,
            text=ended.text[:LONGEST_TEXT],
            became=became,
            heard_chars=heard,
            category=category_of(ended),
        )

    def at_s(self, started: ReplyStarted) -> float:
        """In the call, whenever the one was heard from on who caused it."""
        return self._times.moved(started.session_id, stream_time_s(started.seq))

    def made_known(self, event: OutputEvent) -> None:
        match event:
            case Spoken():
                self._interruptions += event.interrupted and event.heard_chars > 0
                became = "cut" if event.interrupted else "said"
                self._became(event.session_id, event.reply_id, became, event.heard_chars)
            case Posted():
                self._became(event.session_id, event.reply_id, "posted")
            case AskedTool():
                at_s = rounded(self._times.moved(event.session_id, event.at_s))
                self._asks[event.id] = AskRecord(
                    at_s, event.written[:LONGEST_TEXT], event.outcome.value, event.by
                )
            case _:
                pass

    def withheld(self, event: Posted) -> None:
        self._became(event.session_id, event.reply_id, "withheld")

    def cue(self, came: Cue, cue: Cue, outcome: CueOutcome) -> None:
        """`cue` is the card that it became, or itself where it was not shown."""
        session, _, reply = came.id.rpartition("-")
        if reply.isdecimal():
            self._became(session, int(reply), "cue" if outcome.is_shown else "withheld")
        became = outcome.value
        if outcome.is_shown:
            became = _shown(cue)
        self._record(cue, became)

    def played(self, cue: PlayCue) -> None:
        self._record(cue, "played" if cue.aloud else _shown(cue))

    def _record(self, cue: Cue, became: str) -> None:
        self._cues[cue.id] = CueRecord(
            id=cue.id,
            category=cue.category,
            priority=cue.priority,
            chunk=cue.chunk,
            at_s=rounded(self._times.moved(cue.session_id, cue.at_s)),
            text=cue.text[:LONGEST_TEXT],
            became=became,
            count=cue.count,
            sources=cue.sources,
        )

    def summary(
        self, call_id: str, checklist: tuple[ChecklistItem, ...], identities: tuple[str, ...]
    ) -> CallSummary:
        summary = CallSummary(
            call=call_id,
            profile=self._profile,
            began=rounded(self._began),
            seconds=rounded(self._clock() - self._began_s),
            replies=self._replies.all(),
            more_replies=self._replies.more,
            cues=self._cues.all(),
            more_cues=self._cues.more,
            checklist=checklist,
            talk=self._shares(),
            overlap_s=rounded(self._overlapping * FRAME_S),
            missing_s=rounded(self._missed[GapReason.MISSING] * FRAME_S),
            overload_s=rounded(self._missed[GapReason.OVERLOAD] * FRAME_S),
            interruptions=self._interruptions,
            identities=identities,
            asks=self._asks.all(),
            more_asks=self._asks.more,
        )
        return replace(summary, markdown=page(summary))

    def _heard(self, decision: Decision) -> None:
        talking = {one.identity for one in decision.speakers if one.level_dbfs >= TALKING_DBFS}
        self._note_overlap(decision, talking)
        for identity in talking:
            known = identity in self._talked or len(self._talked) < MOST_SPEAKERS
            self._talked[identity if known else OTHERS] += 1

    def _note_overlap(self, decision: Decision, talking: set[str]) -> None:
        """Also of two whom two ears hear, each alone."""
        at_s = self._times.moved(decision.session_id, stream_time_s(decision.seq))
        together = self._talking.setdefault(round(at_s / FRAME_S), set())
        was_one = len(together) < SEVERAL
        together |= talking
        self._overlapping += was_one and len(together) >= SEVERAL
        if len(self._talking) > KEPT_CHUNKS:
            self._talking.popitem(last=False)

    def _shares(self) -> tuple[TalkShare, ...]:
        total = self._talked.total()
        return tuple(
            TalkShare(
                self._redactor.text(identity), rounded(frames * FRAME_S), rounded(frames / total)
            )
            for identity, frames in self._talked.most_common()
        )

    def _became(self, session: str, reply: int, became: str, heard: int | None = None) -> None:
        """One that was cut while it was written is not over yet."""
        record = self._replies[session, reply]
        if record is None:
            self._early[session, reply] = became, heard
        elif became != "withheld" or record.became == "unseen":
            self._replies[session, reply] = replace(record, became=became, heard_chars=heard)


def _shown(cue: Cue) -> str:
    return "shown" if cue.identities else "unaddressed"

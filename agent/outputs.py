"""What leaves a session besides sound: what was said, what is posted, what one person is shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from interject.agent.cues.checklist import ChecklistUpdate
from interject.agent.cues.summary import CallSummary
from interject.agent.cues.tagged_runtime import TaggedReply
from interject.agent.responder.tools.asked_tool import AskedTool
from interject.agent.sourced_reply import sources_of
from interject.model_runtime.protocol import FRAME_S, Emotion, EndReason, FloorMode

if TYPE_CHECKING:
    from interject.config import CueSettings, Profile
    from interject.config.profile import OutputName
    from interject.model_runtime.protocol import ReplyEnded, ReplyStarted

URGENT_PRIORITY = 1_000


@dataclass(frozen=True, slots=True)
class Spoken:
    """A reply that was said aloud, and how much of it was heard before the end or a barge-in."""

    session_id: str
    reply_id: int
    seq: int
    at_s: float
    emotion: Emotion
    text: str = field(repr=False)
    heard_chars: int
    interrupted: bool


@dataclass(frozen=True, slots=True)
class Posted:
    """A whole reply for everybody's eyes: a chat, a log, a webhook. `at_s` is stream time, and
    `category` what its tag said.
    """

    session_id: str
    reply_id: int
    seq: int
    at_s: float
    emotion: Emotion
    text: str = field(repr=False)
    reason: EndReason
    sources: tuple[str, ...] = ()
    category: str = ""

    @property
    def written(self) -> str:
        """With the sources of what it states, for whoever has no place of their own for them."""
        return with_sources(self.text, self.sources)


@dataclass(frozen=True, slots=True)
class Unvoiced(Posted):
    """A reply that should have been said aloud and could not be: it is read instead.

    `captioned`: its words are shown as captions already.
    """

    captioned: bool = False


@dataclass(frozen=True, slots=True)
class Cue:
    """A card for chosen people's eyes, of no use after `expires_at_s` (stream time, like `at_s`).

    `chunk` is the frame that caused it; `priority` goes from 0 to 1,000 (shown first). `count` is
    how often it came while it was shown, and `identities` are whom the platform shows it to.
    `sources` are where what it says stands.
    """

    session_id: str
    id: str
    category: str
    priority: int
    text: str = field(repr=False)
    emotion: Emotion
    chunk: int
    at_s: float
    expires_at_s: float
    count: int = 1
    identities: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


OutputEvent = Spoken | Posted | Cue | AskedTool | ChecklistUpdate | CallSummary


class Output(Protocol):
    """Takes every event and ignores those that are not its own. An error is counted, not fatal."""

    async def emit(self, event: OutputEvent) -> None: ...


class CollectingOutput:
    """Keeps everything: for tests and for short files."""

    def __init__(self) -> None:
        self.events: list[OutputEvent] = []

    async def emit(self, event: OutputEvent) -> None:
        self.events.append(event)


def spoken(started: ReplyStarted, text: str, *, heard_chars: int, whole: bool) -> Spoken:
    """What became of a reply that was said, or should have been."""
    return Spoken(
        session_id=started.session_id,
        reply_id=started.reply_id,
        seq=started.seq,
        at_s=stream_time_s(started.seq),
        emotion=started.emotion,
        text=text,
        heard_chars=heard_chars,
        interrupted=not whole,
    )


def read_instead(started: ReplyStarted, text: str, *, captioned: bool = False) -> Unvoiced:
    """What becomes of a reply that no voice says."""
    return Unvoiced(
        session_id=started.session_id,
        reply_id=started.reply_id,
        seq=started.seq,
        at_s=stream_time_s(started.seq),
        emotion=started.emotion,
        text=text,
        reason=EndReason.COMPLETE,
        captioned=captioned,
    )


_MODES: dict[OutputName, tuple[FloorMode, ...]] = {
    "spoken": (FloorMode.SPEAK,),
    "posted": (FloorMode.OBSERVE, FloorMode.SPEAK),
    "cue": (FloorMode.ASSIST, FloorMode.SPEAK),
}


def rounded(number: float) -> float:
    """As summaries and records have it: seconds to a millisecond, shares to a thousandth."""
    return round(number, 3)


def shortened(text: str, most_chars: int) -> str:
    return text if len(text) <= most_chars else f"{text[: most_chars - 1]}…"


def stream_time_s(seq: int) -> float:
    """The end of frame `seq`, when its decision can be known at the earliest."""
    return (seq + 1) * FRAME_S


def shown_events(
    profile: Profile, mode: FloorMode, started: ReplyStarted, ended: ReplyEnded
) -> list[OutputEvent]:
    """The texts that a finished reply becomes: posts in observe, cues in assist, both in speak."""
    if not ended.text.strip():
        return []
    ways = ways_out(profile, mode)
    events: list[OutputEvent] = []
    if "posted" in ways:
        events.append(_posted(started, ended))
    if "cue" in ways:
        events.append(_cue(profile.cue, started, ended))
    return events


def ways_out(profile: Profile, mode: FloorMode) -> tuple[OutputName, ...]:
    """The profile's outputs that a reply takes in this mode. None: nobody learns of it."""
    return tuple(
        name
        for name in profile.outputs
        if mode in _MODES[name] and not (name == "spoken" and profile.voice.engine == "none")
    )


def _posted(started: ReplyStarted, ended: ReplyEnded) -> Posted:
    return Posted(
        session_id=started.session_id,
        reply_id=started.reply_id,
        seq=started.seq,
        at_s=stream_time_s(started.seq),
        emotion=started.emotion,
        text=ended.text,
        reason=ended.reason,
        sources=sources_of(ended),
        category=category_of(ended),
    )


def category_of(ended: ReplyEnded) -> str:
    """By its first tag; empty where it has none."""
    return next(iter(ended.categories), "") if isinstance(ended, TaggedReply) else ""


def _cue(settings: CueSettings, started: ReplyStarted, ended: ReplyEnded) -> Cue:
    urgent = started.emotion is Emotion.URGENT
    category = category_of(ended) or settings.category
    at_s = stream_time_s(started.seq)
    return Cue(
        session_id=started.session_id,
        id=f"{started.session_id}-{started.reply_id}",
        category=category,
        priority=URGENT_PRIORITY if urgent else settings.priority_of(category),
        text=ended.text,
        emotion=started.emotion,
        chunk=started.seq,
        at_s=at_s,
        expires_at_s=at_s + settings.expires_s_of(category),
        sources=sources_of(ended),
    )


def with_sources(text: str, sources: tuple[str, ...]) -> str:
    """What it rests on stands in a line of its own."""
    return f"{text}\n({'; '.join(sources)})" if sources else text

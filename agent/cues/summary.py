"""What a call was: its replies, cues, checklist, who talked how much, and what went wrong."""

from __future__ import annotations

from dataclasses import dataclass, field

from interject.agent.cues.checklist import ChecklistItem  # noqa: TC001  pydantic reads it


@dataclass(frozen=True, slots=True)
class ReplyRecord:
    """`became`: `said`, `cut` (of its text `heard_chars` characters were heard), `posted`, `cue`,
    `withheld` (by a rule for cues), `suppressed` (by the cap), or `unseen`: nobody heard or read
    it. `at_s` is stream time, `category` what its tag said.
    """

    session: str
    reply: int
    chunk: int
    at_s: float
    cause: str
    emotion: str
    end: str
    text: str = field(repr=False)
    became: str = "unseen"
    heard_chars: int | None = None
    category: str = ""


@dataclass(frozen=True, slots=True)
class CueRecord:
    """`became`: `shown`, `unaddressed` (nobody was there to see it), `played` aloud, or the rule
    that withheld it. `count` is how often it came while it was shown; `sources` are where what it
    says stands.
    """

    id: str
    category: str
    priority: int
    chunk: int
    at_s: float
    text: str = field(repr=False)
    became: str = "shown"
    count: int = 1
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AskRecord:
    """A tool that an operator was asked about: `call` is as he saw it, and `outcome` `allowed`,
    `denied`, `unanswered`, `absent` (nobody was there) or `withdrawn` (the reply was cut).
    """

    at_s: float
    call: str = field(repr=False)
    outcome: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class TalkShare:
    """`share` is of all talking: 1 for who talks alone."""

    speaker: str
    seconds: float
    share: float


@dataclass(frozen=True, slots=True)
class CallSummary:
    """`began` is in seconds since 1970, `seconds` is how long it took. Of a long call the last
    replies, cues and asks are listed, and how many more there were. `overlap_s`: several talked at
    once. `missing_s` of sound never came, and `overload_s` the model had no time for.
    `interruptions` are replies that somebody cut while they were heard. `identities` are whom it is
    for.
    """

    call: str
    profile: str
    began: float
    seconds: float
    replies: tuple[ReplyRecord, ...]
    more_replies: int
    cues: tuple[CueRecord, ...]
    more_cues: int
    checklist: tuple[ChecklistItem, ...]
    talk: tuple[TalkShare, ...]
    overlap_s: float
    missing_s: float
    overload_s: float
    interruptions: int
    identities: tuple[str, ...] = ()
    asks: tuple[AskRecord, ...] = ()
    more_asks: int = 0
    markdown: str = field(default="", repr=False)

"""A record as it is read: of a session that has ended, still goes on, or died with its process."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import ValidationError

from interject.agent.records.lines import (
    LINE,
    RecordBegun,
    RecordedDecision,
    RecordedGap,
    RecordedPost,
    RecordedReply,
    RecordedSpeech,
    RecordedSummary,
    RecordEnded,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from interject.agent.cues.summary import CallSummary
    from interject.agent.records.lines import RecordLine

OF_A_SESSION = RecordedDecision | RecordedGap | RecordedReply | RecordedSpeech | RecordedPost


class RecordState(StrEnum):
    """`cut`: nobody wrote its end. `broken`: its first line cannot be read, or is of another one;
    then what is not known of it is empty.
    """

    LIVE = "live"
    ENDED = "ended"
    CUT = "cut"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class RecordHead:
    """What a list shows. Times are in seconds since 1970; `seconds` is None where there is no
    end yet.
    """

    id: str
    state: RecordState
    call: str
    profile: str
    began: float
    seconds: float | None
    expires: float
    retention: str
    has_audio: bool
    size_bytes: int


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """`lines` are all but the first, in order. `begun` is None where that one cannot be read."""

    head: RecordHead
    begun: RecordBegun | None
    lines: tuple[RecordLine, ...] = field(repr=False)

    @property
    def summary(self) -> CallSummary | None:
        found = (line.summary for line in self.lines if isinstance(line, RecordedSummary))
        return next(found, None)

    @property
    def sessions(self) -> frozenset[str]:
        """The ids under which it was known: the call's, and those of its ears."""
        named = (line.session for line in self.lines if isinstance(line, OF_A_SESSION))
        call = () if self.begun is None else (self.begun.call,)
        return frozenset((*call, *named))

    @property
    def ended(self) -> RecordEnded | None:
        return ending(self.lines)


def ending(lines: Iterable[RecordLine]) -> RecordEnded | None:
    return next((line for line in lines if isinstance(line, RecordEnded)), None)


def read_lines(file: Iterable[bytes]) -> tuple[RecordLine, ...]:
    """A line that is none, as the last one of a process that died, is left out."""
    return tuple(line for raw in file if (line := read_line(raw)) is not None)


def read_line(raw: bytes) -> RecordLine | None:
    try:
        return LINE.validate_json(raw)
    except ValidationError:
        return None

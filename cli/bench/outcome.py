"""What all sessions of one run saw, stage by stage."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from interject.cli.bench.histogram import Histogram
from interject.cli.bench.plan import LIMIT_MS, P99_LIMIT_MS

SHOWN_PERCENTILES = (50, 95, 99)


class LatencyStage(StrEnum):
    """Where the time of a chunk, or of a reply's token, goes."""

    SENT = "sent"
    QUEUED = "queued"
    CARRIED = "carried"
    DECIDED = "decided"
    FIRST_TOKEN = "first_token"
    NEXT_TOKEN = "next_token"


MEANING = {
    LatencyStage.SENT: "chunk due, until it was pushed",
    LatencyStage.QUEUED: "in the engine's queue, until decided",
    LatencyStage.CARRIED: "on the way there and back",
    LatencyStage.DECIDED: "chunk due, until its decision was here",
    LatencyStage.FIRST_TOKEN: "reply asked for, until its first token",
    LatencyStage.NEXT_TOKEN: "from one token of a reply to the next",
}


@dataclass(frozen=True, slots=True)
class ChunkTimes:
    """Of one chunk, on the load generator's clock in seconds; `queued_s` is the engine's."""

    due: float
    sent: float
    received: float
    queued_s: float


@dataclass
class Outcome:
    """`lost_chunks` were never decided; `failures` say why sessions ended before their time."""

    stages: dict[LatencyStage, Histogram] = field(
        default_factory=lambda: {stage: Histogram() for stage in LatencyStage}
    )
    over_p99_limit: int = 0
    over_limit: int = 0
    lost_chunks: int = 0
    replies: int = 0
    reply_tokens: int = 0
    failures: list[str] = field(default_factory=list)

    def decided(self, times: ChunkTimes) -> None:
        """A chunk's decision has come."""
        total_ms = 1e3 * (times.received - times.due)
        sent_ms, queued_ms = 1e3 * (times.sent - times.due), 1e3 * times.queued_s
        self.stages[LatencyStage.SENT].add(sent_ms)
        self.stages[LatencyStage.QUEUED].add(queued_ms)
        self.stages[LatencyStage.CARRIED].add(max(0.0, total_ms - sent_ms - queued_ms))
        self.stages[LatencyStage.DECIDED].add(total_ms)
        self.over_p99_limit += total_ms > P99_LIMIT_MS
        self.over_limit += total_ms > LIMIT_MS

    @property
    def decisions(self) -> Histogram:
        """From the moment a chunk was due to its decision's arrival."""
        return self.stages[LatencyStage.DECIDED]

    @property
    def p99_ms(self) -> float:
        return self.decisions.percentile(99)

    @property
    def passed(self) -> bool:
        """A chunk that was never decided is late, too."""
        late = self.over_limit + self.lost_chunks
        return self.p99_ms <= P99_LIMIT_MS and late == 0 and not self.failures

    def verdict(self, sessions: int) -> str:
        """One line for people."""
        if not self.decisions.count:
            return "nothing was measured"
        found = (
            f"p99 {self.p99_ms:.1f} ms, longest {self.decisions.max_ms:.1f} ms, "
            f"{self.lost_chunks} chunks lost"
        )
        what = "carried" if self.passed else "not carried"
        return (
            f"{sessions} sessions are {what}: {found} (limits: {P99_LIMIT_MS:.0f} ms, "
            f"{LIMIT_MS:.0f} ms, none)"
        )

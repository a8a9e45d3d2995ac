"""Which sessions take part in the next step.

Urgency, most urgent first: chunks just heard; a reply's first words; the rest of a reply at the
pace of speech; chunks of a long backlog. What is not urgent is done when nothing urgent waits, so
an idle machine decodes as fast as it can.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from interject.model_runtime.engine.stream import Stream

FRESH_BACKLOG_FRAMES = 5
"""A session with a longer queue is catching up; its chunks are late already."""
REPLY_BURST_TOKENS = 24
REPLY_TOKENS_PER_S = 15.0
"""Three times the pace of speech."""


@dataclass(frozen=True, slots=True)
class StepLimits:
    """How much one step may hold: chunks of all sessions, and of one session's queue, rows of a
    slot that are recomputed after an eviction (0: a sixteenth of it), and how many slots are at a
    time.

    While a step is in flight another one is begun only for at least `overlap` chunks: that keeps
    the device busy, but a chunk then waits for two steps.
    """

    chunks: int = 64
    drain: int = 32
    recompute: int = 0
    recomputed_slots: int = 1
    overlap: int = 16


GPU_LIMITS = StepLimits(recomputed_slots=4)
"""Where a step costs little more with a few hundred rows than with a few."""
RECOMPUTES_SHARED = 4
"""So many full slots for each that is recomputed in a step: no more are, until they queue."""


@dataclass(frozen=True, slots=True)
class StepPlan:
    """Sessions that feed text, those whose slot is recomputed, and sessions with how many chunks
    they feed. Others are `resting`: they want nothing until something is asked of them.
    """

    texts: tuple[Stream, ...]
    recomputes: tuple[Stream, ...]
    chunks: tuple[tuple[Stream, int], ...]
    resting: tuple[Stream, ...]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.texts or self.recomputes or self.chunks)


def plan_step(streams: Iterable[Stream], *, now: float, limits: StepLimits) -> StepPlan:
    """Choose the work of one step."""
    fresh: list[Stream] = []
    backlogged: list[Stream] = []
    urgent: list[Stream] = []
    unhurried: list[Stream] = []
    recomputing: list[Stream] = []
    resting: list[Stream] = []
    for stream in streams:
        if stream.full:
            recomputing.append(stream)
        elif stream.wants_text:
            (urgent if _behind_speech(stream, now) else unhurried).append(stream)
        elif stream.audio.chunks:
            late = len(stream.audio.chunks) > FRESH_BACKLOG_FRAMES
            (backlogged if late else fresh).append(stream)
        else:
            resting.append(stream)
    fresh.sort(key=_oldest_arrival)
    backlogged.sort(key=_oldest_arrival)
    chunks = _within(fresh + backlogged, limits)
    texts = urgent if fresh else urgent + unhurried
    return StepPlan(
        tuple(texts), _next_recompute(recomputing, limits), tuple(chunks), tuple(resting)
    )


def _oldest_arrival(stream: Stream) -> float:
    return stream.audio.chunks[0].arrived_at


def _next_recompute(streams: list[Stream], limits: StepLimits) -> tuple[Stream, ...]:
    """Slots that somebody waits for come first, then those that were begun, so that few are in the
    making, then whichever had no turn for the longest time: however often one of them is full, the
    others go on.
    """
    count = min(limits.recomputed_slots, 1 + len(streams) // RECOMPUTES_SHARED)
    return tuple(sorted(streams, key=_recompute_turn)[:count])


def _recompute_turn(stream: Stream) -> tuple[bool, bool, int]:
    awaited = bool(stream.audio.chunks) or stream.wants_text
    return not awaited, not stream.memory.unfilled, stream.recomputed_in_step


def _behind_speech(stream: Stream, now: float) -> bool:
    """Whether a reply has had fewer tokens than a listener could need by now."""
    talk = stream.conversation
    if talk.reply is None:
        return True
    due = REPLY_BURST_TOKENS + REPLY_TOKENS_PER_S * (now - talk.replied_at)
    return len(talk.reply.tokens) < due


def _within(streams: list[Stream], limits: StepLimits) -> list[tuple[Stream, int]]:
    chosen: list[tuple[Stream, int]] = []
    left = limits.chunks
    for stream in streams:
        if left <= 0:
            break
        count = min(len(stream.audio.chunks), limits.drain, left)
        chosen.append((stream, count))
        left -= count
    return chosen

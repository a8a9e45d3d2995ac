"""The numbers of a session, for a log line, a metric, or a test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interject.agent.floor import FloorState
    from interject.agent.framing import FramingReport
    from interject.agent.reply_reports import ReplyCounts
    from interject.model_runtime.protocol import FloorMode


@dataclass(frozen=True, slots=True)
class SessionStatistics:
    """Counts since the beginning. Gaps are frames that the model never heard.

    `saying` is the reply that is being said, and how many of its characters have been heard by now.
    """

    framing: FramingReport
    replies: ReplyCounts
    decisions: int
    missing_gap_frames: int
    overload_gap_frames: int
    voice_failures: int
    output_failures: int
    outputs_dropped: int
    floor: FloorState
    mode: FloorMode
    saying: tuple[int, int] | None

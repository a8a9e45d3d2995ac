"""What a call can be, as Twilio names it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CallStatus(StrEnum):
    """Those after `IN_PROGRESS` are ends."""

    QUEUED = "queued"
    RINGING = "ringing"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def is_over(self) -> bool:
        return self not in (CallStatus.QUEUED, CallStatus.RINGING, CallStatus.IN_PROGRESS)


@dataclass(frozen=True)
class CallParties:
    """Numbers in E.164."""

    caller: str = "+15550100001"
    called: str = "+15550100002"
    direction: str = "inbound"

"""What is known of a call before anything of it is heard."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

SHOWN_DIGITS = 2
CUSTOMER, AGENT, CALLER = "customer", "agent", "caller"


class CallKind(StrEnum):
    """What Interject does in a call: it talks, or it only listens."""

    BOT = "bot"
    COPILOT = "copilot"


@dataclass(frozen=True, slots=True)
class PhoneCall:
    """`tracks` says who speaks on which of Twilio's tracks."""

    sid: str
    account_sid: str
    kind: CallKind
    direction: str = "inbound"
    from_number: str = field(default="", repr=False)
    to_number: str = field(default="", repr=False)
    inbound: str = CALLER

    @property
    def tracks(self) -> dict[str, str]:
        if self.kind is CallKind.BOT:
            return {"inbound": CALLER}
        other = AGENT if self.inbound == CUSTOMER else CUSTOMER
        return {"inbound": self.inbound, "outbound": other}


def masked(number: str) -> str:
    """A telephone number whose last two digits are left."""
    hidden = max(0, len(number) - SHOWN_DIGITS)
    return "*" * hidden + number[hidden:]

"""What is known of a call before anything of it is heard."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

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

    @property
    def number(self) -> str:
        """Of whoever is not ours."""
        return self.to_number if self.direction.startswith("outbound") else self.from_number

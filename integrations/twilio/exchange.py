"""What webhooks, sockets and the operator's requests of one door have in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interject.integrations.twilio.live_calls import LiveCalls
from interject.integrations.twilio.placed_calls import PlacedCalls

if TYPE_CHECKING:
    from interject.config import Profile
    from interject.integrations.conversation.switchboard import Switchboard
    from interject.integrations.twilio.call_control import CallControl
    from interject.integrations.twilio.settings import TwilioSettings
    from interject.integrations.twilio.signatures import Signatures
    from interject.integrations.twilio.tickets import Tickets
    from interject.integrations.twilio.twilio_metrics import TwilioMetrics
    from interject.integrations.twilio.twiml import TwiML
    from interject.integrations.web.screen_line import CallScreens


@dataclass(frozen=True, slots=True)
class Exchange:
    switchboard: Switchboard
    settings: TwilioSettings
    screens: CallScreens | None
    signatures: Signatures
    twiml: TwiML
    control: CallControl
    metrics: TwilioMetrics
    tickets: Tickets
    copilot_profile: Profile
    placed: PlacedCalls = field(default_factory=PlacedCalls)
    calls: LiveCalls = field(default_factory=LiveCalls)

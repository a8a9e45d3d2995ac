"""Telephone calls as a door of `interject serve`."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Self

from fastapi import APIRouter

from interject.integrations.conversation.copilot_profile import copilot_profile
from interject.integrations.twilio.call_control import CallControl
from interject.integrations.twilio.exchange import Exchange
from interject.integrations.twilio.media_socket import MediaSocket
from interject.integrations.twilio.operator_api import OperatorApi
from interject.integrations.twilio.signatures import Signatures
from interject.integrations.twilio.start_warnings import warn
from interject.integrations.twilio.strayed_requests import StrayedRequests
from interject.integrations.twilio.tickets import Tickets
from interject.integrations.twilio.twilio_metrics import TwilioMetrics
from interject.integrations.twilio.twiml import MEDIA_PATH, TwiML
from interject.integrations.twilio.webhooks import Webhooks
from interject.integrations.web.bearer import Bearer

if TYPE_CHECKING:
    from interject.integrations.conversation.switchboard import Switchboard
    from interject.integrations.twilio.settings import TwilioSettings
    from interject.integrations.web.screen_line import CallScreens

SWEEP_S = 1.0
LEAVE_TIMEOUT_S = 5.0


class TwilioDoor:
    """A `Door`. Without a token for `bearer` nobody controls calls from outside."""

    name = "twilio"

    def __init__(
        self,
        switchboard: Switchboard,
        settings: TwilioSettings,
        *,
        bearer: Bearer | None = None,
        screens: CallScreens | None = None,
        tickets: Tickets | None = None,
    ) -> None:
        self._exchange = Exchange(
            switchboard,
            settings,
            screens,
            signatures=Signatures(settings),
            twiml=TwiML(settings),
            control=CallControl(settings),
            metrics=TwilioMetrics(switchboard.registry),
            tickets=tickets or Tickets(),
            copilot_profile=copilot_profile(settings.copilot_profile, switchboard.role.profile),
        )
        self._bearer = bearer or Bearer()
        self.router = APIRouter()
        Webhooks(self._exchange).add_to(self.router)
        OperatorApi(self._exchange, self._bearer).add_to(self.router)
        StrayedRequests().add_to(self.router)
        self.router.add_api_websocket_route(MEDIA_PATH, MediaSocket(self._exchange).serve)
        self._group = asyncio.TaskGroup()
        self._sweeper: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        warn(
            self._exchange.settings,
            self._exchange.switchboard.role.profile,
            has_token=not self._bearer.is_open,
        )
        await self._exchange.control.__aenter__()
        await self._group.__aenter__()
        self._sweeper = self._group.create_task(self._sweep(), name="twilio-sweep")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Whoever is still on the telephone is left; his call goes on with its TwiML."""
        assert self._sweeper is not None, "it was entered"
        self._sweeper.cancel()
        await self._group.__aexit__(None, None, None)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_TIMEOUT_S):
                await self._leave_all()
        self._exchange.tickets.close()
        self._exchange.placed.close()
        await self._exchange.control.__aexit__()

    async def _leave_all(self) -> None:
        async with asyncio.TaskGroup() as group:
            for live in self._exchange.calls:
                group.create_task(live.agent.leave(), name="twilio-leave")
        await self._exchange.calls.none_left.wait()

    async def _sweep(self) -> None:
        """Give back the seats of calls that never came."""
        while True:
            await asyncio.sleep(SWEEP_S)
            self._exchange.tickets.expire()
            self._exchange.placed.expire()

"""Calls are placed, moved and ended by Twilio's REST API."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self

import httpx
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.rest import Client

from interject.integrations.twilio.rest_client import REQUEST_TIMEOUT_S, RestClient
from interject.integrations.twilio.twiml import (
    CALL_STATUS_PATH,
    MEDIA_PATH,
    STREAM_STATUS_PATH,
    TOKEN_PARAMETER,
    VOICE_PATH,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from interject.integrations.twilio.settings import TwilioSettings

RING_S = 45
DETECTION_S = 20
LONGEST_WAIT_S = float(RING_S + DETECTION_S + 15)
"""From placing a call to Twilio's asking what to do with it."""
HANG_UP_PAUSES_S = (0.5, 1.5)
"""Meanwhile the caller hears nothing, so what did not answer in time is not asked again."""
OVER_BY_NOW = (20404, 21220)


class CallControlFailure(Exception):
    """Twilio did not do it. The text is for whoever asked, and may name a number.

    `missing`: there is no account that could be asked. `passing`: it may do it a moment later.
    """

    def __init__(
        self, reason: str, code: int = 0, *, missing: bool = False, passing: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.missing = missing
        self.passing = passing

    @property
    def over(self) -> bool:
        """There is no such call, or none any more."""
        return self.code in OVER_BY_NOW


class CallControl:
    """Used with `async with`. Without an account nothing of this can be done.

    :raises CallControlFailure: by every method, when it was not done.
    """

    def __init__(
        self, settings: TwilioSettings, *, pauses_s: Sequence[float] = HANG_UP_PAUSES_S
    ) -> None:
        self._settings = settings
        self._pauses_s = pauses_s
        self._http: RestClient | None = None
        self._client: Any = None

    async def __aenter__(self) -> Self:
        settings = self._settings
        if settings.account_sid and settings.auth_token:
            self._http = RestClient()
            self._client = Client(settings.account_sid, settings.auth_token, http_client=self._http)
            if settings.rest_url is not None:
                self._client.api.base_url = settings.rest_url
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._http is not None:
            await self._http.aclose()

    @property
    def possible(self) -> bool:
        return self._client is not None

    async def hang_up(self, call_sid: str) -> None:
        """Asked again where Twilio is busy or away: to end a call twice does no harm."""
        call = self._account.calls(call_sid)
        for pause_s in (*self._pauses_s, None):
            try:
                await self._done(call.update_async(status="completed"))
            except CallControlFailure as failure:
                if pause_s is None or not failure.passing:
                    raise
                await asyncio.sleep(pause_s)
            else:
                return

    async def redirect(self, call_sid: str, twiml: str) -> None:
        """The call does this from now on; its stream ends."""
        await self._done(self._account.calls(call_sid).update_async(twiml=twiml))

    async def place(self, to: str, caller: str) -> str:
        """The call's SID; when somebody or something answers, Twilio asks what to do."""
        leaves = self._settings.machine == "leave_message"
        public_url = self._settings.public_url
        call = await self._done(
            self._account.calls.create_async(
                to=to,
                from_=caller,
                url=f"{public_url}{VOICE_PATH}",
                method="POST",
                machine_detection="DetectMessageEnd" if leaves else "Enable",
                machine_detection_timeout=DETECTION_S,
                timeout=RING_S,
                status_callback=f"{public_url}{CALL_STATUS_PATH}",
                status_callback_event=["completed"],
                status_callback_method="POST",
            )
        )
        return str(call.sid)

    async def listen(self, call_sid: str, token: str) -> None:
        """Open a silent copilot's stream on a call that is under way."""
        await self._done(
            self._account.calls(call_sid).streams.create_async(
                url=f"{self._settings.socket_url}{MEDIA_PATH}",
                track="both_tracks",
                status_callback=f"{self._settings.public_url}{STREAM_STATUS_PATH}",
                status_callback_method="POST",
                parameter1_name=TOKEN_PARAMETER,
                parameter1_value=token,
            )
        )

    @property
    def _account(self) -> Any:
        if self._client is None:
            raise CallControlFailure(
                "no account of Twilio is configured: set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN",
                missing=True,
            )
        return self._client.api.v2010.account

    async def _done(self, request: Awaitable[Any]) -> Any:
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                return await request
        except TwilioRestException as error:
            raise CallControlFailure(
                f"Twilio refused: {error.msg}", error.code or 0, passing=_passes(error.status)
            ) from None
        except (TwilioException, httpx.HTTPError, OSError, ValueError) as error:
            kind = type(error).__name__
            reason = f"Twilio could not be reached ({kind})"
            passing = not isinstance(error, (TimeoutError, httpx.TimeoutException))
            raise CallControlFailure(reason, passing=passing) from None


def _passes(status: int) -> bool:
    return status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR

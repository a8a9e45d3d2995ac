"""What Twilio asks about calls, and the TwiML that it gets."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from interject.integrations.conversation.switchboard import SwitchboardFull
from interject.integrations.twilio.messages import is_sid
from interject.integrations.twilio.phone_call import AGENT, CALLER, CUSTOMER, CallKind, PhoneCall
from interject.integrations.twilio.settings import variable
from interject.integrations.twilio.signatures import read_form
from interject.integrations.twilio.twiml import (
    CALL_STATUS_PATH,
    COPILOT_PATH,
    DIALLED_PATH,
    STREAM_STATUS_PATH,
    VOICE_PATH,
)

if TYPE_CHECKING:
    from fastapi import APIRouter

    from interject.integrations.twilio.exchange import Exchange
    from interject.integrations.twilio.signatures import Form

logger = logging.getLogger(__name__)

MOST_FORM_BYTES = 65_536
NOT_SIGNED = "the request is not signed by Twilio for this address"
NO_COPILOT_THEN = (
    "nothing says what this call goes on with once a copilot listens: set "
    f"{variable('copilot_then')} on the server; Twilio takes the number's fallback URL meanwhile"
)
OTHER_ACCOUNT = "the call belongs to another account"


class Webhooks:
    """Every one of them is signed."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._settings = exchange.settings
        self._twiml = exchange.twiml

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route(VOICE_PATH, self.voice, methods=["POST"])
        router.add_api_route(COPILOT_PATH, self.copilot, methods=["POST"])
        router.add_api_route(DIALLED_PATH, self.dialled, methods=["POST"])
        router.add_api_route(STREAM_STATUS_PATH, self.stream_status, methods=["POST"])
        router.add_api_route(CALL_STATUS_PATH, self.call_status, methods=["POST"])

    async def voice(self, request: Request) -> Response:
        """A call came in, or one that was placed was answered."""
        form = await self._form(request, VOICE_PATH)
        call = self._call(form, CallKind.BOT, CALLER)
        seat = self._exchange.placed.take(call.sid)
        answered_by = form.get("AnsweredBy", "")
        if answered_by.startswith(("machine", "fax")):
            if seat is not None:
                seat.release()
            return _document(self._to_machine(answered_by))
        if seat is not None:
            return _document(self._twiml.bot(self._exchange.tickets.issue(call, seat)))
        token = await self._token(call)
        return _document(self._twiml.busy() if token is None else self._twiml.bot(token))

    async def copilot(self, request: Request) -> Response:
        """A call between people comes by here on its way, or the leg of one that is being dialled.
        Whatever is wrong with the copilot, the people are not cut off.
        """
        form = await self._form(request, COPILOT_PATH)
        dialled = form.get("Direction") == "outbound-dial" or bool(form.get("ParentCallSid"))
        usual = AGENT if dialled else self._settings.copilot_inbound
        call = self._call(form, CallKind.COPILOT, request.query_params.get("inbound", usual))
        then = None if dialled else self._settings.copilot_next
        if not dialled and then is None:
            self._exchange.metrics.refused.labels("no_copilot_then").inc()
            logger.error(
                "A call on its way to people cannot go on: set what it goes on with",
                extra={"call": call.sid, "setting": variable("copilot_then")},
            )
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, NO_COPILOT_THEN)
        return _document(self._twiml.copilot(await self._copilot_token(call), then))

    async def _copilot_token(self, call: PhoneCall) -> str | None:
        if call.inbound not in (CUSTOMER, AGENT):
            logger.error(
                "A copilot was left out: in its webhook's URL, inbound is either customer or agent",
                extra={"call": call.sid},
            )
            return None
        if self._exchange.tickets.is_shown(call):
            return None
        return await self._token(call)

    async def dialled(self, request: Request) -> Response:
        """A call that was put through to somebody is over there, or was not taken."""
        form = await self._form(request, DIALLED_PATH)
        if form.get("DialCallStatus") in ("completed", "answered"):
            return _document(self._twiml.hang_up())
        return _document(self._twiml.unanswered())

    async def stream_status(self, request: Request) -> Response:
        form = await self._form(request, STREAM_STATUS_PATH)
        if form.get("StreamEvent") == "stream-error":
            logger.warning(
                "Twilio tells of an error of a media stream",
                extra={"call": form.get("CallSid", ""), "reason": form.get("StreamError", "")},
            )
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def call_status(self, request: Request) -> Response:
        """A call that was placed is over, answered or not."""
        form = await self._form(request, CALL_STATUS_PATH)
        self._exchange.placed.drop(form.get("CallSid", ""))
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def _form(self, request: Request, path: str) -> Form:
        """:raises HTTPException: when it is too large, or does not come from Twilio."""
        body = b""
        if self._exchange.signatures.may_be_signed(request):
            async for piece in request.stream():
                body += piece
                if len(body) > MOST_FORM_BYTES:
                    raise HTTPException(
                        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the form is too large"
                    )
        form = read_form(body)
        if not self._exchange.signatures.webhook_passes(request, path, form):
            self._exchange.metrics.refused.labels("signature").inc()
            raise HTTPException(HTTPStatus.FORBIDDEN, NOT_SIGNED)
        return form

    def _call(self, form: Form, kind: CallKind, inbound: str) -> PhoneCall:
        """:raises HTTPException: when the form is of no call, or of a stranger's."""
        call_sid, account_sid = form.get("CallSid", ""), form.get("AccountSid", "")
        if not (is_sid(call_sid) and is_sid(account_sid)):
            raise HTTPException(HTTPStatus.BAD_REQUEST, "CallSid or AccountSid is missing")
        if self._settings.account_sid not in ("", account_sid):
            self._exchange.metrics.refused.labels("account").inc()
            raise HTTPException(HTTPStatus.FORBIDDEN, OTHER_ACCOUNT)
        return PhoneCall(
            sid=call_sid,
            account_sid=account_sid,
            kind=kind,
            direction=form.get("Direction", "inbound"),
            from_number=form.get("From", ""),
            to_number=form.get("To", ""),
            inbound=inbound,
        )

    async def _token(self, call: PhoneCall) -> str | None:
        """That of Twilio's first try, which may hold the last seat, also where both come at once.
        A call that has an agent keeps its seat, where it is sent here again.

        None: there is no agent for another call.
        """
        tickets = self._exchange.tickets
        if tickets.is_shown(call):
            return tickets.issue(call, None)
        if (token := tickets.again(call)) is not None:
            return token
        try:
            return tickets.issue(call, await self._exchange.switchboard.admit())
        except SwitchboardFull:
            if (token := tickets.again(call)) is not None:
                return token
        self._exchange.metrics.refused.labels("full").inc()
        logger.warning("A call found no free agent", extra={"call": call.sid})
        return None

    def _to_machine(self, answered_by: str) -> str:
        message = self._settings.machine_message
        if self._settings.machine == "leave_message" and message and "fax" not in answered_by:
            return self._twiml.message(message)
        return self._twiml.hang_up()


def _document(twiml: str) -> Response:
    return Response(twiml, media_type="text/xml")

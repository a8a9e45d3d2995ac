"""What the operator's own programs may do with calls."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, HTTPException
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from interject.config.strict import StrictModel
from interject.integrations.conversation.masked_number import masked
from interject.integrations.conversation.switchboard import SwitchboardFull
from interject.integrations.twilio.call_control import CallControlFailure
from interject.integrations.twilio.messages import is_sid
from interject.integrations.twilio.phone_call import CallKind, PhoneCall
from interject.integrations.twilio.settings import CallableNumber, Sentence, variable
from interject.integrations.web.guarded_route import guarded

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

    from interject.integrations.conversation.switchboard import Seat
    from interject.integrations.twilio.exchange import Exchange
    from interject.integrations.web.bearer import Bearer

NO_AGENT = "there is no free agent for a call now; try again later"
TALKS = "an agent talks in this call: put the call through to somebody before a copilot listens"
LISTENS = "a copilot listens to this call already, as if the inbound track were the other person's"
NO_BEARER = "calls are controlled with a token of the operator, and none is configured"


def _call_sid(text: str) -> str:
    if not is_sid(text):
        raise PydanticCustomError("sid", "it must be a call's SID, which begins with CA")
    return text


CallSid = Annotated[str, AfterValidator(_call_sid)]


class CallOrder(StrictModel):
    """`caller` is what the other side sees: a number of the account, `caller_id` by default."""

    to: CallableNumber
    caller: CallableNumber | None = None


class TransferOrder(StrictModel):
    """`say` is said to whoever waits, before it rings elsewhere."""

    to: CallableNumber
    say: Sentence | None = None


class CopilotOrder(StrictModel):
    inbound: Literal["customer", "agent"] | None = None


class PlacedCall(StrictModel):
    sid: str


class ShownCall(StrictModel):
    """Of telephone numbers the last two digits."""

    sid: str
    kind: CallKind
    direction: str
    from_number: str
    to_number: str
    seconds: float


class OperatorApi:
    def __init__(self, exchange: Exchange, bearer: Bearer) -> None:
        self._exchange = exchange
        self._bearer = bearer

    def add_to(self, router: APIRouter) -> None:
        api = APIRouter(route_class=guarded(self._configured, self._bearer))
        for path, endpoint, method in (
            ("/twilio/calls", self.calls, "GET"),
            ("/twilio/calls", self.place, "POST"),
            ("/twilio/calls/{call_sid}/transfer", self.transfer, "POST"),
            ("/twilio/calls/{call_sid}/hangup", self.hang_up, "POST"),
            ("/twilio/calls/{call_sid}/copilot", self.listen, "POST"),
        ):
            api.add_api_route(path, endpoint, methods=[method])
        router.include_router(api)

    async def calls(self) -> list[ShownCall]:
        return [
            ShownCall(
                sid=live.call.sid,
                kind=live.call.kind,
                direction=live.call.direction,
                from_number=masked(live.call.from_number),
                to_number=masked(live.call.to_number),
                seconds=round(time.monotonic() - live.began_at, 1),
            )
            for live in self._exchange.calls
        ]

    async def place(self, order: CallOrder) -> PlacedCall:
        caller = order.caller or self._exchange.settings.caller_id
        if caller is None:
            raise HTTPException(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                f"caller: say which number calls, or set {variable('caller_id')} on the server",
            )
        seat = await self._seat()
        try:
            call_sid = await self._exchange.control.place(order.to, caller)
        except CallControlFailure as failure:
            seat.release()
            raise _refusal(failure) from None
        except BaseException:
            seat.release()
            raise
        self._exchange.placed.hold(call_sid, seat)
        return PlacedCall(sid=call_sid)

    async def transfer(self, call_sid: CallSid, order: TransferOrder) -> PlacedCall:
        """The agent leaves the call; it does not end it."""
        twiml = self._exchange.twiml.transfer(order.to, order.say)
        return await self._move(call_sid, twiml)

    async def hang_up(self, call_sid: CallSid) -> PlacedCall:
        return await self._move(call_sid, None)

    async def listen(self, call_sid: CallSid, order: CopilotOrder | None = None) -> PlacedCall:
        """A silent copilot joins a call of this account that is under way. Once is enough."""
        exchange = self._exchange
        inbound = (order and order.inbound) or exchange.settings.copilot_inbound
        call = PhoneCall(call_sid, exchange.settings.account_sid, CallKind.COPILOT, inbound=inbound)
        if self._listens(call):
            return PlacedCall(sid=call_sid)
        try:
            seat = await self._seat()
        except HTTPException:
            if self._listens(call):
                return PlacedCall(sid=call_sid)
            raise
        if self._listens(call):
            seat.release()
            return PlacedCall(sid=call_sid)
        token = exchange.tickets.issue(call, seat)
        try:
            await exchange.control.listen(call_sid, token)
        except CallControlFailure as failure:
            exchange.tickets.withdraw(token)
            raise _refusal(failure) from None
        return PlacedCall(sid=call_sid)

    def _listens(self, call: PhoneCall) -> bool:
        """:raises HTTPException: 409, when it cannot be as it is asked for."""
        tickets = self._exchange.tickets
        if (known := tickets.known(call.sid, CallKind.COPILOT)) is None:
            if tickets.known(call.sid, CallKind.BOT) is not None:
                raise HTTPException(HTTPStatus.CONFLICT, TALKS)
            return False
        if known.inbound != call.inbound:
            raise HTTPException(HTTPStatus.CONFLICT, LISTENS)
        return True

    async def _move(self, call_sid: str, twiml: str | None) -> PlacedCall:
        live = self._exchange.calls.of(call_sid, CallKind.BOT)
        if live is not None:
            live.leaving = True
        try:
            if twiml is None:
                await self._exchange.control.hang_up(call_sid)
            else:
                await self._exchange.control.redirect(call_sid, twiml)
        except CallControlFailure as failure:
            if live is not None:
                live.leaving = False
            raise _refusal(failure) from None
        return PlacedCall(sid=call_sid)

    async def _seat(self) -> Seat:
        """:raises HTTPException: 503, when there is no agent for another call."""
        try:
            return await self._exchange.switchboard.admit()
        except SwitchboardFull:
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, NO_AGENT) from None

    def _configured(self, _connection: HTTPConnection) -> None:
        """An open door to other people's telephones is for a developer's own machine alone."""
        if self._bearer.is_open and not self._exchange.settings.insecure_dev:
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, NO_BEARER)


def _refusal(failure: CallControlFailure) -> HTTPException:
    if failure.missing:
        return HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, failure.reason)
    if failure.over:
        return HTTPException(HTTPStatus.NOT_FOUND, failure.reason)
    return HTTPException(HTTPStatus.BAD_GATEWAY, failure.reason)

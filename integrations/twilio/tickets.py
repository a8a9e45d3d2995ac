"""What a media stream has to show before it is let in: a token, once, within seconds."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.integrations.conversation.switchboard import Seat
    from interject.integrations.twilio.phone_call import CallKind, PhoneCall

logger = logging.getLogger(__name__)

LIFE_S = 20.0
"""A sentence may be said before the stream opens."""
LONGEST_LIFE_S = 60.0
"""However often Twilio, or somebody who recorded it, asks about a call again."""
TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class Ticket:
    """Without a seat it takes the place of a stream of the same call, once that is over."""

    call: PhoneCall
    seat: Seat | None
    until: float
    at_last: float


class Tickets:
    """Each holds a seat, but for one of a call that has a stream already. One that nobody shows
    is thrown away, and its seat is free again. One that was shown is known until its stream is
    `finished`.
    """

    def __init__(
        self, *, life_s: float = LIFE_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._life_s = life_s
        self._clock = clock
        self._open: dict[str, Ticket] = {}
        self._shown: list[Ticket] = []
        self._finished = asyncio.Event()

    def issue(self, call: PhoneCall, seat: Seat | None) -> str:
        """The token; that of the first time, where one is out for this call already."""
        if (token := self.again(call)) is not None:
            _release(seat)
            return token
        token, now = secrets.token_urlsafe(TOKEN_BYTES), self._clock()
        self._open[token] = Ticket(call, seat, now + self._life_s, now + LONGEST_LIFE_S)
        return token

    def again(self, call: PhoneCall) -> str | None:
        """Its token that nobody has shown yet: Twilio asks about a call twice, and may follow
        either answer.
        """
        self.expire()
        for token, ticket in self._open.items():
            if (ticket.call.sid, ticket.call.kind) == (call.sid, call.kind):
                until = min(self._clock() + self._life_s, ticket.at_last)
                self._open[token] = replace(ticket, call=call, until=until)
                return token
        return None

    def known(self, call_sid: str, kind: CallKind) -> PhoneCall | None:
        """Of a stream that was ordered, or is open."""
        self.expire()
        calls = (ticket.call for ticket in (*self._shown, *self._open.values()))
        return next((call for call in calls if (call.sid, call.kind) == (call_sid, kind)), None)

    def is_shown(self, call: PhoneCall) -> bool:
        """Its stream is open, or opens just now."""
        return bool(self._shown_of(call))

    def redeem(self, token: str, *, call_sid: str, account_sid: str) -> Ticket | None:
        """Only by the call that it was issued for; another's attempt leaves it as it is."""
        self.expire()
        ticket = self._open.get(token)
        if ticket is None or (ticket.call.sid, ticket.call.account_sid) != (call_sid, account_sid):
            return None
        self._shown.append(self._open.pop(token))
        return ticket

    def finished(self, ticket: Ticket) -> None:
        """Its stream is over."""
        self._shown.remove(ticket)
        _release(ticket.seat)
        self._finished.set()

    async def others_finished(self, ticket: Ticket) -> None:
        """Returns when no other stream of its call is open."""
        while self._shown_of(ticket.call) != [ticket]:
            self._finished.clear()
            await self._finished.wait()

    def withdraw(self, token: str) -> None:
        if token in self._open:
            self._drop(token)

    def expire(self) -> None:
        now = self._clock()
        for token, ticket in list(self._open.items()):
            if ticket.until <= now:
                self._drop(token)
                logger.warning(
                    "No media stream came for a call: Twilio's debugger says why, and whatever "
                    "stands in front must pass web sockets on",
                    extra={"call": ticket.call.sid},
                )

    def close(self) -> None:
        for token in list(self._open):
            self._drop(token)

    def _drop(self, token: str) -> None:
        _release(self._open.pop(token).seat)

    def _shown_of(self, call: PhoneCall) -> list[Ticket]:
        return [
            ticket
            for ticket in self._shown
            if (ticket.call.sid, ticket.call.kind) == (call.sid, call.kind)
        ]


def _release(seat: Seat | None) -> None:
    if seat is not None:
        seat.release()

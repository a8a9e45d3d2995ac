"""What a media stream has to show before it is let in: a token, once, within seconds."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.integrations.conversation.switchboard import Seat
    from interject.integrations.twilio.phone_call import PhoneCall

LIFE_S = 20.0
"""A sentence may be said before the stream opens."""
TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class Ticket:
    call: PhoneCall
    seat: Seat
    until: float


class Tickets:
    """Each holds a seat. One that nobody shows is thrown away, and its seat is free again."""

    def __init__(
        self, *, life_s: float = LIFE_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._life_s = life_s
        self._clock = clock
        self._open: dict[str, Ticket] = {}

    def issue(self, call: PhoneCall, seat: Seat) -> str:
        """The token. Where Twilio asks again about a call, the former token is worth nothing."""
        if (former := self.take_back(call)) is not None:
            former.release()
        token = secrets.token_urlsafe(TOKEN_BYTES)
        self._open[token] = Ticket(call, seat, self._clock() + self._life_s)
        return token

    def take_back(self, call: PhoneCall) -> Seat | None:
        """The seat of this call's token that nobody has shown: Twilio asks again about a call."""
        self.expire()
        for token, ticket in self._open.items():
            if (ticket.call.sid, ticket.call.kind) == (call.sid, call.kind):
                return self._open.pop(token).seat
        return None

    def redeem(self, token: str, *, call_sid: str, account_sid: str) -> Ticket | None:
        """Only by the call that it was issued for; another's attempt leaves it as it is."""
        self.expire()
        ticket = self._open.get(token)
        if ticket is None or (ticket.call.sid, ticket.call.account_sid) != (call_sid, account_sid):
            return None
        return self._open.pop(token)

    def withdraw(self, token: str) -> None:
        if token in self._open:
            self._drop(token)

    def expire(self) -> None:
        now = self._clock()
        for token, ticket in list(self._open.items()):
            if ticket.until <= now:
                self._drop(token)

    def close(self) -> None:
        for token in list(self._open):
            self._drop(token)

    def _drop(self, token: str) -> None:
        self._open.pop(token).seat.release()

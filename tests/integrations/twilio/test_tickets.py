"""A token opens one stream of one call within seconds, and nothing else."""

from __future__ import annotations

from interject.integrations.conversation.switchboard import Seat
from interject.integrations.twilio.phone_call import CallKind, PhoneCall
from interject.integrations.twilio.placed_calls import PlacedCalls
from interject.integrations.twilio.tickets import LIFE_S, LONGEST_LIFE_S, Tickets
from tests.fakes.clock import FakeClock
from tests.integrations.log_lines import log_lines

CALL = PhoneCall("CA1", "AC1", CallKind.BOT, from_number="+442071838750")


class Row:
    """Of seats."""

    def __init__(self) -> None:
        self.free: list[Seat] = []

    def seat(self) -> Seat:
        return Seat(self.free.append)


def test_a_token_is_long_and_works_once() -> None:
    tickets = Tickets(clock=FakeClock())
    token = tickets.issue(CALL, Row().seat())
    assert len(token) >= 40
    ticket = tickets.redeem(token, call_sid="CA1", account_sid="AC1")
    assert ticket is not None
    assert ticket.call is CALL
    assert tickets.redeem(token, call_sid="CA1", account_sid="AC1") is None


def test_a_stranger_s_attempt_leaves_it_to_its_call() -> None:
    tickets = Tickets(clock=FakeClock())
    token = tickets.issue(CALL, Row().seat())
    assert tickets.redeem(token, call_sid="CA2", account_sid="AC1") is None
    assert tickets.redeem(token, call_sid="CA1", account_sid="AC2") is None
    assert tickets.redeem("", call_sid="CA1", account_sid="AC1") is None
    assert tickets.redeem(token, call_sid="CA1", account_sid="AC1") is not None


def test_one_that_nobody_shows_gives_its_seat_back() -> None:
    clock, row = FakeClock(), Row()
    tickets = Tickets(clock=clock)
    seat = row.seat()
    token = tickets.issue(CALL, seat)
    clock.advance(LIFE_S - 0.1)
    tickets.expire()
    assert row.free == []
    clock.advance(0.2)
    with log_lines() as lines:
        assert tickets.redeem(token, call_sid="CA1", account_sid="AC1") is None
    assert row.free == [seat]
    [line] = lines
    assert "No media stream came" in line
    assert "call=CA1" in line


def test_a_call_that_is_asked_about_twice_holds_one_seat_and_one_token() -> None:
    """Twilio, or whoever recorded its request, may follow either answer."""
    row = Row()
    tickets = Tickets(clock=FakeClock())
    first, second = row.seat(), row.seat()
    token = tickets.issue(CALL, first)
    assert tickets.again(CALL) == token
    assert tickets.issue(CALL, second) == token
    assert row.free == [second]
    assert tickets.again(PhoneCall("CA1", "AC1", CallKind.COPILOT)) is None
    assert tickets.redeem(token, call_sid="CA1", account_sid="AC1") is not None
    assert tickets.again(CALL) is None


def test_asking_again_keeps_a_seat_for_a_minute_at_most() -> None:
    clock, row = FakeClock(), Row()
    tickets = Tickets(clock=clock)
    tickets.issue(CALL, row.seat())
    asked_s = 0.0
    while tickets.again(CALL) is not None:
        clock.advance(5.0)
        asked_s += 5.0
    assert asked_s == LONGEST_LIFE_S
    assert len(row.free) == 1


def test_a_call_is_known_from_its_order_to_its_end() -> None:
    row = Row()
    tickets = Tickets(clock=FakeClock())
    assert tickets.known("CA1", CallKind.BOT) is None
    token = tickets.issue(CALL, row.seat())
    assert tickets.known("CA1", CallKind.BOT) is CALL
    assert not tickets.is_shown(CALL)
    ticket = tickets.redeem(token, call_sid="CA1", account_sid="AC1")
    assert ticket is not None
    assert tickets.is_shown(CALL)
    assert tickets.known("CA1", CallKind.BOT) is CALL
    assert tickets.known("CA1", CallKind.COPILOT) is None
    tickets.finished(ticket)
    assert tickets.known("CA1", CallKind.BOT) is None
    assert row.free == [ticket.seat]


def test_closing_gives_every_seat_back() -> None:
    row = Row()
    tickets = Tickets(clock=FakeClock())
    tickets.issue(CALL, row.seat())
    tickets.withdraw(tickets.issue(PhoneCall("CA2", "AC1", CallKind.COPILOT), row.seat()))
    assert len(row.free) == 1
    tickets.close()
    assert len(row.free) == 2


def test_a_call_that_rings_holds_its_seat_until_it_is_over() -> None:
    clock, row = FakeClock(), Row()
    placed = PlacedCalls(life_s=60, clock=clock)
    answered, over, forgotten = row.seat(), row.seat(), row.seat()
    for call_sid, seat in (("CA1", answered), ("CA2", over), ("CA3", forgotten)):
        placed.hold(call_sid, seat)
    assert placed.take("CA1") is answered
    assert placed.take("CA1") is None
    placed.drop("CA2")
    assert row.free == [over]
    clock.advance(61)
    placed.expire()
    assert row.free == [over, forgotten]


def test_numbers_are_not_shown() -> None:
    assert "+442071838750" not in repr(CALL)

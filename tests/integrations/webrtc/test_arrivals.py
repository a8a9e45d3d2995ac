"""Who has made an offer and does not come: he holds no seat that another one needs."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from interject.integrations.conversation.switchboard import SwitchboardFull
from interject.integrations.webrtc.arrivals import FEWEST, OVERDUE_S, Arrivals
from tests.fakes.clock import FakeClock


@dataclass(eq=False)
class OfferedCall:
    name: str
    arriving: bool = True


def offers(clock: FakeClock, addresses: str) -> tuple[Arrivals[OfferedCall], list[OfferedCall]]:
    """One a second, each of an address of one letter."""
    arrivals = Arrivals[OfferedCall](20, clock=clock)
    calls = [OfferedCall(f"{address}{at}") for at, address in enumerate(addresses)]
    for call in calls:
        arrivals.add(call, call.name[0])
        clock.advance(1.0)
    return arrivals, calls


def test_the_oldest_of_the_address_with_most_makes_room_each_once() -> None:
    arrivals, calls = offers(FakeClock(), "abbaabb")
    found = [arrivals.overdue() for _ in range(6)]
    assert found == [calls[1], calls[0], calls[2], calls[3], calls[4], None]


def test_who_has_come_or_gone_and_who_is_new_makes_no_room() -> None:
    clock = FakeClock()
    arrivals, calls = offers(clock, "aaa")
    calls[0].arriving = False
    assert arrivals.overdue() is None
    clock.advance(OVERDUE_S - 2.0)
    assert arrivals.overdue() is calls[1]


@pytest.mark.parametrize(("most_calls", "most"), [(20, 10), (3, FEWEST), (None, FEWEST)])
def test_one_address_gets_half_of_the_seats(most_calls: int | None, most: int) -> None:
    arrivals = Arrivals[OfferedCall](most_calls)
    calls = [OfferedCall(str(at)) for at in range(most)]
    for call in calls:
        arrivals.check("a")
        arrivals.add(call, "a")
    with pytest.raises(SwitchboardFull, match="not connected yet"):
        arrivals.check("a")
    arrivals.check("b")
    calls[0].arriving = False
    arrivals.check("a")

"""What the agent shows of itself comes right after a flood, and is never taken for a wish."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from interject.integrations.conversation.consent import Consent, Scope
from interject.integrations.conversation.floor_control import LISTENING_ATTRIBUTE
from interject.integrations.livekit.room.own_attributes import ECHO_S, OwnAttributes
from interject.integrations.livekit.room.rpc_control import RpcControl
from tests.fakes.clock import FakeClock
from tests.fakes.livekit_room import FakeLocalParticipant, FakeRoom
from tests.fakes.room_controls import FakeControls
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Flooded(FakeLocalParticipant):
    """Its first `failures` changes are not confirmed in time."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self.failures = failures

    async def set_attributes(self, attributes: dict[str, str]) -> None:
        self.failures -= 1
        if self.failures >= 0:
            raise TimeoutError
        await super().set_attributes(attributes)


def room_in_a_flood(failures: int) -> FakeRoom:
    room = FakeRoom()
    room.local_participant = Flooded(failures)
    return room


@contextlib.asynccontextmanager
async def kept(own: OwnAttributes) -> AsyncIterator[None]:
    keeping = asyncio.create_task(own.keep())
    yield
    keeping.cancel()
    await asyncio.wait([keeping])


async def test_what_could_not_be_set_is_set_later() -> None:
    room, state = room_in_a_flood(3), {LISTENING_ATTRIBUTE: "false"}
    own = OwnAttributes(room.as_room, lambda: state, first_retry_s=0.001)
    async with kept(own):
        await until(lambda: room.local_participant.attributes == state, "the attributes")


async def test_a_change_that_failed_and_arrives_late_is_no_wish() -> None:
    room, clock = room_in_a_flood(1), FakeClock()
    own = OwnAttributes(room.as_room, lambda: {"a": "1"}, clock=clock, first_retry_s=0.001)
    async with kept(own):
        await until(lambda: room.local_participant.attributes, "the attributes")
        clock.advance(ECHO_S / 2)
        assert [own.is_echo("a", "1") for _ in range(3)] == [True, True, False], "it was sent twice"


async def test_an_echo_that_never_came_hides_no_later_wish() -> None:
    room, clock = room_in_a_flood(0), FakeClock()
    own = OwnAttributes(room.as_room, lambda: {"a": "1"}, clock=clock)
    async with kept(own):
        await until(lambda: room.local_participant.attributes, "the attributes")
        clock.advance(2 * ECHO_S)
        assert not own.is_echo("a", "1")


async def test_whoever_stopped_the_agent_is_not_heard_again_by_its_own_late_attribute() -> None:
    room, flooded, consent = FakeRoom(), Flooded(1), Consent(may_control=lambda _: True)
    room.local_participant = flooded
    async with RpcControl(room.as_room, FakeControls(), consent, may_control=lambda _: True):
        await until(lambda: flooded.failures < 1, "the first change")
        consent.stop("ann", Scope.ROOM)
        room.emit(
            "participant_attributes_changed", {LISTENING_ATTRIBUTE: "true"}, room.local_participant
        )
        assert not consent.listening

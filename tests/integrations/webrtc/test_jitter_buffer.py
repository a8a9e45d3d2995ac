"""Packets in order, and no delay that stays: beside aiortc's own buffer, which keeps it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from aiortc import RTCPeerConnection, RTCRtpReceiver, jitterbuffer
from aiortc.rtp import RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from interject.integrations.webrtc.jitter_buffer import (
    MOST_HELD,
    SETTLE_S,
    WAIT_S,
    JitterBuffer,
    repair,
)
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PACKET_S = 0.02
PACKET_SAMPLES = 960


def packet(number: int, *, ssrc: int = 1) -> RtpPacket:
    made = RtpPacket(sequence_number=number % 0x10000, timestamp=number * PACKET_SAMPLES)
    made.ssrc = ssrc
    made._data = str(number).encode()  # type: ignore[attr-defined]
    return made


class Stream:
    """Packets into a buffer, each at its time, and what leaves it when."""

    def __init__(self) -> None:
        self.clock = FakeClock(0.0)
        self.buffer = JitterBuffer(self._leave, self._later, clock=self.clock)
        self.left: list[tuple[float, int]] = []
        self._calls: list[tuple[float, Callable[[], None]]] = []

    def come(self, arrivals: Iterable[tuple[float, int]], *, ssrc: int = 1) -> Stream:
        for at_s, number in sorted(arrivals):
            self.pass_until(at_s)
            self.buffer.add(packet(number, ssrc=ssrc))
            assert self.buffer.held <= MOST_HELD
        return self

    def pass_until(self, at_s: float) -> Stream:
        while self._calls and min(self._calls, key=lambda call: call[0])[0] <= at_s:
            call = min(self._calls, key=lambda call: call[0])
            self._calls.remove(call)
            self.clock.now_s = max(self.clock.now_s, call[0])
            call[1]()
        self.clock.now_s = at_s
        return self

    @property
    def order(self) -> list[int]:
        return [number for _, number in self.left]

    def held_back_s(self) -> dict[int, float]:
        """How long after it was sent each one left."""
        return {number: round(at - number * PACKET_S, 6) for at, number in self.left}

    def _leave(self, packet: RtpPacket) -> None:
        self.left.append((self.clock(), int(packet._data)))  # type: ignore[attr-defined]

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        self._calls.append((self.clock() + seconds, call))


def sent(numbers: Iterable[int]) -> list[tuple[float, int]]:
    return [(number * PACKET_S, number) for number in numbers]


def test_a_packet_in_its_turn_leaves_at_once() -> None:
    assert set(Stream().come(sent(range(50))).held_back_s().values()) == {0.0}


def test_behind_a_lost_packet_the_others_wait_once_and_those_before_it_never() -> None:
    stream = Stream().come(sent(number for number in range(60) if number != 20))
    back = stream.held_back_s()
    assert [back[number] for number in (19, 21, 22, 23)] == [0.0, 0.06, 0.04, 0.02]
    assert set(back.values()) - {0.06, 0.04, 0.02} == {0.0}
    assert back[25] == back[59] == 0.0


def test_aiortcs_own_buffer_would_keep_the_delay_for_good() -> None:
    """What the repair is for: should this fail, aiortc may have been mended."""
    own = jitterbuffer.JitterBuffer(capacity=16, prefetch=4)
    behind = [
        number - frame.timestamp // PACKET_SAMPLES
        for number in range(100)
        if number != 20 and (frame := own.add(packet(number))[1]) is not None
    ]
    assert set(behind[:16]) == {4}
    assert min(behind[-30:]) >= 14


def test_the_last_packets_before_a_pause_do_not_wait_for_what_follows_it() -> None:
    stream = Stream().come(sent([*range(20), *range(200, 220)]))
    assert stream.held_back_s()[19] == 0.0
    assert stream.order == [*range(20), *range(200, 220)]


def test_packets_that_overtake_each_other_leave_in_order() -> None:
    numbers = [0, 2, 1, 3, 6, 5, 4, 7, 8, 9, 10, 11]
    stream = Stream().come([(at * PACKET_S, number) for at, number in enumerate(numbers)])
    assert stream.order == list(range(12))


def test_one_that_comes_after_its_turn_is_dropped_and_one_that_comes_twice_counts_once() -> None:
    stream = Stream().come(sent([0, 1, 3, 4, 5, 6, 7]))
    stream.come([(0.15, 2), (0.15, 7), (0.151, 7), (0.16, 8)])
    assert stream.order == [0, 1, 3, 4, 5, 6, 7, 8]
    assert stream.buffer.late == 3


def test_what_waits_behind_the_last_hole_leaves_though_nothing_follows() -> None:
    stream = Stream().come(sent([0, 1, 3, 5])).pass_until(1.0)
    assert stream.order == [0, 1, 3, 5]
    assert stream.left[-1][0] == pytest.approx(5 * PACKET_S + WAIT_S)


def test_what_came_in_a_standstill_is_read_before_it_is_given_up() -> None:
    """The loop stands still from 0.07 to 0.5 s: what was to wait for is there, but not read."""
    stream = Stream().come(sent([0, 1, 3]))
    stream.clock.now_s = 0.5
    stream.pass_until(0.501).come([(0.502, 2), (0.503, 4)]).pass_until(1.0)
    assert stream.order == [0, 1, 2, 3, 4]


def test_sequence_numbers_wrap() -> None:
    stream = Stream().come(sent(range(0xFFF0, 0x10020)))
    assert stream.order == list(range(0xFFF0, 0x10020))


@pytest.mark.parametrize(("to", "ssrc"), [(5_000, 1), (20_010, 2), (60_000, 2)])
def test_a_sender_that_begins_anew_is_followed(to: int, ssrc: int) -> None:
    stream = Stream()
    stream.come(enumerate(range(20_000, 20_020)))
    stream.come(((20 + at, to + at) for at in range(20)), ssrc=ssrc)
    assert stream.order == [*range(20_000, 20_020), *range(to, to + 20)]


def test_a_flood_of_holes_is_not_kept() -> None:
    stream = Stream().come((number / 1e6, number) for number in range(0, 30_000, 2))
    assert len(stream.order) == 15_000 - MOST_HELD


@given(st.integers(0, 2**32), st.floats(0, 0.4), st.floats(0, 0.1))
def test_it_never_goes_back_never_holds_one_for_longer_and_loses_none_that_was_in_time(
    seed: int, loss: float, jitter_s: float
) -> None:
    chance = random.Random(seed)
    kept = [n for n in range(300) if n < 1 or chance.random() >= loss]
    arrivals = {n: n * PACKET_S + (chance.random() * jitter_s if n else 0.0) for n in kept}
    stream = Stream().come((at, n) for n, at in arrivals.items()).pass_until(10.0)
    assert stream.order == sorted(set(stream.order))
    assert all(at <= arrivals[number] + WAIT_S + SETTLE_S + 1e-9 for at, number in stream.left)
    if jitter_s <= WAIT_S:
        assert stream.order == kept


async def test_a_receiver_has_the_private_parts_that_are_used() -> None:
    """This version of aiortc keeps them there; another one is refused in words."""
    connection = RTCPeerConnection()
    receiver = connection.addTransceiver("audio").receiver
    buffer = repair(receiver)
    assert receiver._RTCRtpReceiver__jitter_buffer is buffer  # type: ignore[attr-defined]
    with pytest.raises(RuntimeError, match=r"use 1\.16"):
        repair(object.__new__(RTCRtpReceiver))
    await connection.close()

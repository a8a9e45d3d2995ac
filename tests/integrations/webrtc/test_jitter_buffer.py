"""Packets in order, and no delay that stays: beside aiortc's own buffer, which keeps it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from aiortc import RTCPeerConnection, RTCRtpReceiver, jitterbuffer
from aiortc.rtp import RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from interject.integrations.webrtc.jitter_buffer import DEPTH_PACKETS, JitterBuffer, repair

if TYPE_CHECKING:
    from collections.abc import Iterable

PACKET_SAMPLES = 960


def packet(number: int, *, ssrc: int = 1) -> RtpPacket:
    made = RtpPacket(sequence_number=number % 0x10000, timestamp=number * PACKET_SAMPLES)
    made.ssrc = ssrc
    made._data = str(number).encode()  # type: ignore[attr-defined]
    return made


def passed(
    buffer: JitterBuffer | jitterbuffer.JitterBuffer, numbers: Iterable[int]
) -> list[tuple[int, int]]:
    """Which packet came out when which one went in."""
    found = []
    for number in numbers:
        _, frame = buffer.add(packet(number))
        if frame is not None:
            assert frame.timestamp == int(frame.data) * PACKET_SAMPLES
            found.append((number, int(frame.data)))
    return found


def delays(found: list[tuple[int, int]]) -> list[int]:
    return [came - left for came, left in found]


def test_each_packet_lets_out_the_one_three_before_it() -> None:
    assert delays(passed(JitterBuffer(), range(50))) == [DEPTH_PACKETS - 1] * 47


def test_after_a_lost_packet_the_delay_is_as_before() -> None:
    numbers = [number for number in range(60) if number != 20]
    assert delays(passed(JitterBuffer(), numbers))[-30:] == [3] * 30


def test_aiortcs_own_buffer_would_keep_the_delay_for_good() -> None:
    """What the repair is for: should this fail, aiortc may have been mended."""
    numbers = [number for number in range(100) if number != 20]
    found = delays(passed(jitterbuffer.JitterBuffer(capacity=16, prefetch=4), numbers))
    assert set(found[:16]) == {4}
    assert min(found[-30:]) >= 14


def test_after_a_burst_of_losses_the_delay_is_as_before() -> None:
    numbers = [number for number in range(100) if not 20 <= number < 40]
    found = passed(JitterBuffer(), numbers)
    assert delays(found)[-40:] == [3] * 40
    assert [left for _, left in found] == [n for n in numbers if n < 97]


def test_packets_that_overtake_each_other_leave_in_order() -> None:
    numbers = [0, 2, 1, 3, 6, 5, 4, 7, 8, 9, 10, 11]
    assert [left for _, left in passed(JitterBuffer(), numbers)] == list(range(9))


def test_one_that_comes_after_its_turn_is_dropped_and_one_that_comes_twice_counts_once() -> None:
    buffer = JitterBuffer()
    found = passed(buffer, [0, 1, 3, 4, 5, 6, 7, 2, 7, 7, 8, 9])
    assert [left for _, left in found] == [0, 1, 3, 4, 5, 6]
    assert buffer.late == 1


def test_sequence_numbers_wrap() -> None:
    found = passed(JitterBuffer(), range(0xFFF0, 0x10020))
    assert [left for _, left in found] == list(range(0xFFF0, 0x1001D))


@pytest.mark.parametrize(("to", "ssrc"), [(5_000, 1), (20_010, 2), (60_000, 2)])
def test_a_sender_that_begins_anew_is_followed(to: int, ssrc: int) -> None:
    buffer = JitterBuffer()
    passed(buffer, range(20_000, 20_020))
    left = [frame for n in range(to, to + 20) if (frame := buffer.add(packet(n, ssrc=ssrc))[1])]
    assert [int(frame.data) for frame in left] == list(range(to, to + 17))


@given(st.integers(0, 2**32), st.floats(0, 0.4), st.integers(0, 6))
def test_it_never_goes_back_never_holds_more_and_loses_no_packet_that_was_in_time(
    seed: int, loss: float, disorder: int
) -> None:
    chance = random.Random(seed)
    sent = [n for n in range(300) if chance.random() >= loss]
    sent.sort(key=lambda n: n + chance.random() * disorder)
    buffer = JitterBuffer()
    left: list[int] = []
    for number in sent:
        left += [out for _, out in passed(buffer, [number])]
        assert buffer.held < DEPTH_PACKETS
    assert left == sorted(set(left))
    if disorder <= DEPTH_PACKETS - 1:
        assert left == sorted(sent)[: len(left)]
        assert len(left) >= len(sent) - DEPTH_PACKETS


async def test_a_receiver_has_the_private_buffer_that_is_replaced() -> None:
    """This version of aiortc keeps it there; another one is refused in words."""
    connection = RTCPeerConnection()
    receiver = connection.addTransceiver("audio").receiver
    buffer = repair(receiver)
    assert receiver._RTCRtpReceiver__jitter_buffer is buffer  # type: ignore[attr-defined]
    with pytest.raises(RuntimeError, match=r"use 1\.16"):
        repair(object.__new__(RTCRtpReceiver))
    await connection.close()

"""However bad a network was: soon after, sound is as late as before, and no word of it is lost."""

from __future__ import annotations

import statistics
from itertools import count, takewhile

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.integrations.webrtc.inbound import PACKET_S, PACKET_SAMPLES, Heard, Inbound, Network

BAD_S = (4.0, 9.0)
END_S = 14.0
SHIFT_S = 0.13
"""What may be left: 0.1 of it is what a block waits for its sound anyway."""
RESTING_PACKETS = 25

Spans = tuple[tuple[float, float], ...]


def words(number: int) -> bool:
    """0.36 s of speech, then 0.14 s of silence, from the second half second on."""
    return number >= 25 and number % 25 < 18


def talk(number: int) -> bool:
    """Without a pause."""
    return number >= 25


def typical(found: dict[int, Heard], begin_s: float, end_s: float) -> float:
    numbers = range(round(begin_s / PACKET_S), round(end_s / PACKET_S))
    return statistics.median(found[number].delay_s for number in numbers if number in found)


def check(network: Network, seconds: float = END_S, stalls: Spans = ()) -> Inbound:
    """Before, after, and each sample of speech in between."""
    line = Inbound(words, stalls)
    line.run(network.arrivals(seconds), seconds + 1.0)
    found = line.heard(network)
    before = typical(found, 1.0, BAD_S[0] - 0.5)
    after = typical(found, seconds - 1.5, seconds - 0.5)
    assert abs(after - before) < SHIFT_S, (before, after)
    assert after < 0.15
    decided = int(line.frames[-1].captured_at / PACKET_S) - RESTING_PACKETS
    spoken = {number for number in network.came(seconds) if words(number) and number < decided}
    assert spoken <= found.keys()
    short = sum(PACKET_SAMPLES - found[number].samples for number in spoken)
    assert short == line.mixer.report().counts.hurried
    return line


@pytest.mark.parametrize("jitter_s", [0.0, 0.06])
@pytest.mark.parametrize("loss", [0.0, 0.02, 0.1, 0.2])
@pytest.mark.parametrize("seed", [0, 2])
def test_lost_packets_cost_nothing_but_themselves(loss: float, jitter_s: float, seed: int) -> None:
    """As long as it lasts."""
    network = Network(jitter_s=jitter_s, loss=loss, seed=seed)
    line = Inbound(words)
    line.run(network.arrivals(20.0), 21.0)
    delays = [heard.delay_s for heard in line.heard(network).values()]
    assert max(delays) - min(delays) < SHIFT_S
    assert statistics.median(delays) < 0.1


@pytest.mark.parametrize("gone_s", [0.1, 0.2, 0.6, 1.5])
def test_after_all_packets_of_a_while_were_lost_the_rest_is_in_time_again(gone_s: float) -> None:
    check(Network(jitter_s=0.03, lost=tuple((at, at + gone_s) for at in (4.0, 6.1, 8.3))))


@pytest.mark.parametrize("late_s", [0.1, 0.14, 0.35, 1.0])
def test_after_all_packets_of_a_while_were_late_the_delay_goes_down_again(late_s: float) -> None:
    frozen = tuple((at, at + late_s) for at in (4.0, 6.1))
    check(Network(jitter_s=0.03, frozen=frozen), END_S + 4.0)


@pytest.mark.parametrize("stall_s", [0.12, 0.25, 0.3, 0.7, 1.5])
def test_standstills_of_the_event_loop_shift_nothing(stall_s: float) -> None:
    """Frames used to be closed with silence while their sound waited to be read."""
    stalls = tuple((at, at + stall_s) for at in (4.0, 6.0, 8.0))
    line = check(Network(jitter_s=0.02), stalls=stalls)
    assert line.framer.report().missing_samples == 0


@pytest.mark.parametrize("ppm", [-600, 600])
def test_a_clock_that_is_slow_or_fast_shifts_nothing_in_three_minutes(ppm: int) -> None:
    line = check(Network(jitter_s=0.02, ppm=ppm), 180.0)
    counts = line.mixer.report().counts
    assert counts.hurried == counts.cut == 0


def test_who_never_pauses_is_in_time_again_too() -> None:
    network = Network(jitter_s=0.02, frozen=((4.0, 4.5),))
    line = Inbound(talk)
    line.run(network.arrivals(40.0), 41.0)
    found = line.heard(network)
    assert max(heard.delay_s for heard in found.values()) > 0.4
    assert typical(found, 36.0, 39.0) < 0.2
    assert {number for number in network.came(39.0) if talk(number)} <= found.keys()


def test_the_end_of_a_word_does_not_wait_for_the_next_one() -> None:
    """Some clients send nothing while nobody speaks."""
    network = Network()
    kept = {n for n in takewhile(lambda n: n < 500, count()) if words(n) or n < 25}
    line = Inbound(words)
    line.run([(at, n) for at, n in network.arrivals(10.0) if n in kept], 11.0)
    delays = [heard.delay_s for heard in line.heard(network).values()]
    assert max(delays) - min(delays) < 0.09


SPANS = st.lists(st.tuples(st.floats(*BAD_S), st.floats(0, 0.5)), max_size=4).map(
    lambda spans: tuple((at, at + length) for at, length in sorted(spans))
)


@settings(max_examples=20)
@given(
    network=st.builds(
        Network,
        jitter_s=st.floats(0, 0.06),
        loss=st.floats(0, 0.15),
        ppm=st.floats(-200, 200),
        lost=SPANS,
        frozen=SPANS,
        seed=st.integers(0, 2**32),
    ),
    stalls=SPANS,
)
@example(Network(jitter_s=0.06, loss=0.1, frozen=((5.0, 5.11),)), ())
def test_whatever_happens_the_delay_comes_back_and_no_word_is_lost(
    network: Network, stalls: Spans
) -> None:
    check(network, END_S + 4.0, stalls)

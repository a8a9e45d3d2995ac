"""Where the agent's voice is looked for in what comes back, with a filter of the test's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.integrations.audio.echo import LEAD_S, EchoCanceller, delay_samples
from interject.integrations.audio.own_voice import OwnVoice
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE_HZ = 16_000
BLOCK = 320
LEAD = round(LEAD_S * RATE_HZ)


class Subtraction:
    """Knows that the echo is as loud as the voice and `LEAD_S` later."""

    def __init__(self) -> None:
        self._said = np.zeros(LEAD, np.int16)

    def process(self, said: NDArray[np.int16], heard: NDArray[np.int16]) -> NDArray[np.int16]:
        self._said = np.concatenate((self._said, said))
        echo, self._said = self._said[: len(heard)], self._said[len(heard) :]
        return heard - echo


def speech(seconds: float, *, seed: int = 5) -> NDArray[np.int16]:
    """Noise in syllables of a quarter of a second."""
    count = round(seconds * RATE_HZ)
    noise = np.random.default_rng(seed).normal(0.0, 2_000.0, count)
    loud = np.sin(2 * np.pi * 2.0 * np.arange(count) / RATE_HZ) > 0
    return np.clip(noise * loud, -16_000, 16_000).astype(np.int16)


@pytest.mark.parametrize("delay_ms", [250, 600, 1_200])
def test_the_filter_gets_the_voice_just_before_its_echo(delay_ms: int) -> None:
    clock = FakeClock()
    voice = OwnVoice(clock)
    canceller = EchoCanceller(voice, Subtraction)
    said = speech(4.0)
    voice.say(said)
    echo = np.concatenate([np.zeros(delay_ms * 16, np.int16), said])[: len(said)]
    left = np.concatenate(
        [
            canceller.clean(echo[at : at + BLOCK], clock() + at / RATE_HZ)
            for at in range(0, len(echo), BLOCK)
        ]
    )
    assert canceller.way_s == pytest.approx(delay_ms / 1_000 - LEAD_S, abs=1e-3)
    assert not left[3 * RATE_HZ :].any()


def test_what_was_never_said_is_no_echo() -> None:
    assert delay_samples(speech(2.0, seed=1), speech(1.0, seed=2)) is None
    assert delay_samples(np.zeros(32_000, np.int16), speech(1.0)) is None


def test_a_quiet_agent_hears_every_sample_as_it_came() -> None:
    clock = FakeClock()
    canceller = EchoCanceller(OwnVoice(clock), Subtraction)
    heard = speech(1.0)
    for at in range(0, len(heard), BLOCK):
        block = heard[at : at + BLOCK]
        assert canceller.clean(block, clock() + at / RATE_HZ) is block


def test_own_voice_knows_what_went_out_when() -> None:
    clock = FakeClock()
    voice = OwnVoice(clock)
    began = clock()
    voice.say(np.arange(1, 3_201, dtype=np.int16))
    voice.say(np.arange(3_201, 6_401, dtype=np.int16))
    assert voice.at(began - 0.01, 320)[:160].tolist() == [0] * 160
    assert voice.at(began + 0.2, 2).tolist() == [3_201, 3_202]
    clock.advance(0.25)
    voice.stop()
    assert voice.at(began + 0.24, 320).tolist() == [*range(3_841, 4_001), *[0] * 160]
    clock.advance(1.0)
    voice.say(np.ones(10, np.int16))
    assert voice.at(began + 1.25, 20).tolist() == [1] * 10 + [0] * 10

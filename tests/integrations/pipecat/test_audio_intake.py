"""Sound out of the pipeline: any rate, in order, bounded."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.integrations.pipecat.audio_intake import MOST_WAITING, AudioIntake

if TYPE_CHECKING:
    from numpy.typing import NDArray


def tone(samples: int) -> bytes:
    return np.full(samples, 1_000, "<i2").tobytes()


async def taken(intake: AudioIntake) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(intake.run(), 0.2)


@pytest.fixture
def heard() -> dict[str, list[NDArray[np.int16]]]:
    return {}


@pytest.fixture
def intake(heard: dict[str, list[NDArray[np.int16]]]) -> AudioIntake:
    return AudioIntake(lambda who, samples: heard.setdefault(who, []).append(samples))


async def test_each_speaker_is_resampled_by_itself(
    intake: AudioIntake, heard: dict[str, list[NDArray[np.int16]]]
) -> None:
    for _ in range(50):
        intake.put("ann", tone(160), 8_000, 1)
        intake.put("bob", tone(2 * 960), 48_000, 2)
    await taken(intake)
    for who in ("ann", "bob"):
        sound = np.concatenate(heard[who])
        assert 14_000 < len(sound) <= 16_000
        assert abs(int(sound[8_000]) - 1_000) < 20
    assert intake.dropped == 0


async def test_a_line_that_is_full_loses_the_oldest_and_counts_it(
    intake: AudioIntake, heard: dict[str, list[NDArray[np.int16]]]
) -> None:
    for number in range(MOST_WAITING + 3):
        intake.put("ann", np.full(320, number, "<i2").tobytes(), 16_000, 1)
    await taken(intake)
    assert intake.dropped == 3
    assert [int(piece[0]) for piece in heard["ann"]] == list(range(3, MOST_WAITING + 3))


@pytest.mark.parametrize(("rate_hz", "channels"), [(0, 1), (16_000, 0), (16_000, 65), (-1, 1)])
async def test_what_makes_no_sense_is_dropped_and_the_rest_is_heard(
    intake: AudioIntake,
    heard: dict[str, list[NDArray[np.int16]]],
    rate_hz: int,
    channels: int,
) -> None:
    intake.put("ann", tone(320), rate_hz, channels)
    intake.put("ann", tone(320) + b"\x01", 16_000, 1)
    await taken(intake)
    assert intake.dropped == 1
    assert [len(piece) for piece in heard["ann"]] == [320]

from __future__ import annotations

import numpy as np
import pytest

from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.soundflow.telephone.codec import LineCodec, through_codec
from interject.training.soundflow.telephone.g711 import (
    G711Line,
    coded,
    random_line,
    through_g711_line,
)

HALF_A_STEP = 0.04
"""Of the loudest samples; a step's edge lies one sample elsewhere in FFmpeg's tables."""


@pytest.mark.parametrize("law", [LineCodec.MULAW, LineCodec.ALAW])
def test_every_sample_comes_back_as_from_ffmpeg(law: LineCodec) -> None:
    every = np.arange(-32_768, 32_768).astype(np.float32) / np.float32(32_768)
    theirs = through_codec(every, law, np.random.default_rng(1)).packets.reshape(-1)[: len(every)]
    ours = coded(every, a_law=law is LineCodec.ALAW)
    assert np.mean(ours != theirs) < 0.02
    assert set(ours.tolist()) == set(theirs.tolist())
    assert np.abs(ours - theirs).max() < HALF_A_STEP


def tone(hz: float, count: int = 24 * 400 + 40) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return (0.3 * np.sin(2 * np.pi * hz * np.arange(count) / SAMPLE_RATE_HZ)).astype(np.float32)


def test_the_line_delays_nothing_and_keeps_its_band() -> None:
    line, rng = G711Line(a_law=True, low_hz=300, high_hz=3_400), np.random.default_rng(1)
    speech, hiss, hum = tone(1_000), tone(5_000), tone(60)
    heard = through_g711_line(speech, line, rng)
    assert len(heard) == len(speech)
    assert np.corrcoef(heard[800:-800], speech[800:-800])[0, 1] > 0.999
    for outside in (hiss, hum):
        rest = through_g711_line(outside, line, rng)[800:-800]
        assert np.sqrt(np.mean(rest**2)) < 0.01 * np.sqrt(np.mean(outside**2))


def test_lost_packets_are_filled_in() -> None:
    lossy = G711Line(a_law=False, low_hz=200, high_hz=3_400, loss=0.2, burst_packets=1.0)
    whole = G711Line(a_law=False, low_hz=200, high_hz=3_400)
    sound = tone(310, 48_000)
    bad, good = (through_g711_line(sound, x, np.random.default_rng(2)) for x in (lossy, whole))
    changed = np.abs(bad - good).reshape(-1, 320).max(axis=1) > 0.02
    assert 0.02 < changed.mean() < 0.6
    assert np.sqrt(np.mean(bad**2)) > 0.8 * np.sqrt(np.mean(good**2)), "holes of silence"


def test_lines_differ_and_half_of_them_lose_nothing() -> None:
    rng = np.random.default_rng(1)
    lines = [random_line(rng) for _ in range(60)]
    assert 15 < sum(line.loss == 0 for line in lines) < 45
    assert {line.a_law for line in lines} == {True, False}

"""Blocks leave on time whatever the sources do, and each sample is heard once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.integrations.audio.mixer import Mixer, MixerReport, level_dbfs
from interject.integrations.audio.source_queue import BLOCK_S, BLOCK_SAMPLES, SourceCounts
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from numpy.typing import NDArray


def tone(samples: int, level: int) -> NDArray[np.int16]:
    return np.full(samples, level, np.int16)


def blocks_of(mixer: Mixer, clock: FakeClock, count: int) -> list[NDArray[np.int16]]:
    """What leaves in so many block times when nobody delivers."""
    out = []
    for _ in range(count):
        clock.advance(BLOCK_S)
        out += [block.samples for block in mixer.due()]
    return out


def test_silence_flows_when_nobody_is_there() -> None:
    clock = FakeClock()
    mixer = Mixer(clock=clock)
    assert mixer.due() == []
    clock.advance(1.0)
    blocks = mixer.due()
    assert len(blocks) == 50
    assert all(not block.samples.any() and block.speakers == () for block in blocks)
    assert [round(block.captured_at - 1_000, 3) for block in blocks[:3]] == [0.0, 0.02, 0.04]


def test_one_voice_passes_untouched_and_is_named() -> None:
    clock = FakeClock()
    mixer = Mixer(clock=clock)
    mixer.add("TR_1", "ann")
    sound = np.arange(-16_000, 16_000, dtype=np.int16)
    heard = []
    for start in range(0, len(sound), BLOCK_SAMPLES):
        mixer.push("TR_1", sound[start : start + BLOCK_SAMPLES])
        clock.advance(BLOCK_S)
        heard += mixer.due()
    assert np.array_equal(np.concatenate([block.samples for block in heard]), sound)
    assert {block.speakers[0].identity for block in heard if block.speakers} == {"ann"}


def test_a_block_waits_for_a_running_source_but_not_for_long() -> None:
    clock = FakeClock()
    mixer = Mixer(clock=clock, patience_s=0.1)
    mixer.add("TR_1", "ann")
    mixer.push("TR_1", tone(BLOCK_SAMPLES + 100, 1_000))
    clock.advance(BLOCK_S)
    assert len(mixer.due()) == 1
    clock.advance(BLOCK_S)
    assert mixer.due() == []
    clock.advance(0.05)
    mixer.push("TR_1", tone(BLOCK_SAMPLES, 1_000))
    late = mixer.due()
    assert [int(block.samples.min()) for block in late] == [1_000]
    clock.advance(1.0)
    assert mixer.due() == [], "after a standstill there is time to deliver"
    clock.advance(0.1)
    assert len(mixer.due()) == 57
    assert mixer.report().counts.padded == 6 * BLOCK_SAMPLES - 100
    clock.advance(BLOCK_S)
    assert len(mixer.due()) == 1, "a source that ran dry is not waited for again"


def test_a_muted_track_is_not_waited_for() -> None:
    clock = FakeClock()
    mixer = Mixer(clock=clock)
    mixer.add("TR_1", "ann")
    mixer.push("TR_1", tone(BLOCK_SAMPLES, 1_000))
    mixer.rest("TR_1")
    assert len(blocks_of(mixer, clock, 5)) == 5
    assert mixer.report().counts.padded == 0


def test_voices_add_up_and_bend_at_full_scale() -> None:
    clock = FakeClock()
    mixer = Mixer(clock=clock)
    for key, identity, level in (("a", "ann", 5_000), ("b", "ben", 3_000), ("c", "cat", 30_000)):
        mixer.add(key, identity)
        mixer.push(key, tone(BLOCK_SAMPLES, level))
    clock.advance(BLOCK_S)
    (block,) = mixer.due()
    assert 30_000 < int(block.samples[0]) < 32_767
    assert [speaker.identity for speaker in block.speakers] == ["cat", "ann", "ben"]
    mixer.remove_identity("cat")
    for key, level in (("a", 5_000), ("b", 3_000), ("c", 30_000)):
        mixer.push(key, tone(BLOCK_SAMPLES, level))
    clock.advance(BLOCK_S)
    (block,) = mixer.due()
    assert int(block.samples[0]) == 8_000


def test_what_is_removed_is_not_heard_not_even_what_was_queued() -> None:
    clock = FakeClock()
    mixer = Mixer(clock=clock)
    mixer.add("TR_1", "ann")
    mixer.push("TR_1", tone(5 * BLOCK_SAMPLES, 1_000))
    mixer.remove("TR_1")
    assert not np.concatenate(blocks_of(mixer, clock, 5)).any()


def test_a_standstill_costs_nothing_of_what_waited_behind_it() -> None:
    clock = FakeClock()
    mixer = Mixer(clock=clock)
    mixer.add("TR_1", "ann")
    mixer.push("TR_1", tone(BLOCK_SAMPLES, 1_000))
    clock.advance(BLOCK_S)
    assert len(mixer.due()) == 1
    clock.advance(1.0)
    assert mixer.due() == []
    mixer.push("TR_1", tone(16_000, 1_000))
    assert [int(block.samples.min()) for block in mixer.due()] == [1_000] * 50
    assert mixer.report() == MixerReport(51, SourceCounts())


def test_whoever_is_late_for_a_moment_holds_up_nobody_for_longer_than_that() -> None:
    """The sound of one waits for the other for 100 ms, and never again once he is away."""
    clock = FakeClock()
    mixer = Mixer(clock=clock)
    for key in ("a", "b"):
        mixer.add(key, key)
        mixer.push(key, tone(BLOCK_SAMPLES, 1_000))
    lags = []
    for _ in range(50):
        clock.advance(BLOCK_S)
        mixer.push("a", tone(BLOCK_SAMPLES, 1_000))
        for block in mixer.due():
            lags.append(round(clock() - block.captured_at - BLOCK_S, 3))
            assert block.speakers[0].identity == "a"
    assert max(lags) == 0.1
    assert lags[-20:] == [0.0] * 20


@pytest.mark.parametrize(("level", "dbfs"), [(32_767, 0.0), (3_277, -20.0), (0, -math.inf)])
def test_levels_are_decibels_of_full_scale(level: int, dbfs: float) -> None:
    assert level_dbfs(tone(BLOCK_SAMPLES, level)) == pytest.approx(dbfs, abs=0.01)


def test_a_whisper_below_the_floor_is_nobody() -> None:
    clock = FakeClock()
    mixer = Mixer(clock=clock)
    mixer.add("TR_1", "ann")
    mixer.push("TR_1", tone(BLOCK_SAMPLES, 3))
    clock.advance(BLOCK_S)
    (block,) = mixer.due()
    assert block.speakers == ()

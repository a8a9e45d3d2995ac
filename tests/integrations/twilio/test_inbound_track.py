"""Chunks in order, holes filled by their time stamps, and nothing twice."""

from __future__ import annotations

import numpy as np
import pytest

from interject.integrations.twilio.inbound_track import LONGEST_FILL_MS, InboundTrack
from interject.integrations.twilio.messages import MediaChunk, MediaFormat
from interject.integrations.twilio.sound_codec import SoundCodec

FRAME_MS = 20
LOUD = 8_000
SETTLED = 32
"""Samples at 16 kHz that the resampler holds back, at most: 2 ms."""


def new_track(encoding: str = "audio/x-mulaw", rate_hz: int = 8_000) -> InboundTrack:
    form = MediaFormat.model_validate({"encoding": encoding, "sampleRate": rate_hz})
    return InboundTrack(SoundCodec(form))


def chunk(number: int, timestamp_ms: int, payload: bytes = b"\x9a" * 160) -> MediaChunk:
    return MediaChunk.model_construct(
        track="inbound", number=number, timestamp_ms=timestamp_ms, payload=payload
    )


def heard(track: InboundTrack, chunks: list[MediaChunk]) -> np.ndarray:
    return np.concatenate([track.hear(one) for one in chunks])


def steady(first: int, count: int, shift_ms: int = 0) -> list[MediaChunk]:
    return [chunk(n, n * FRAME_MS + shift_ms) for n in range(first, first + count)]


def test_a_steady_stream_is_heard_whole() -> None:
    track = new_track()
    sound = heard(track, steady(1, 100))
    assert 0 <= 100 * 320 - len(sound) <= SETTLED
    assert (track.gaps, track.late_chunks) == (0, 0)
    assert np.abs(sound[SETTLED * 4 :].astype(int)).min() > 1_000


def test_each_chunk_is_heard_at_once() -> None:
    """A mixer on the wall clock waits for nobody longer than 100 ms."""
    track = new_track()
    lengths = [len(track.hear(one)) for one in steady(1, 50)]
    assert min(lengths) >= 320 - SETTLED
    assert set(lengths[1:]) == {320}


def test_a_tone_comes_through_one_resampler_without_a_break() -> None:
    track = new_track("audio/x-l16")
    times = np.arange(16_000) / 8_000
    tone = np.rint(LOUD * np.sin(2 * np.pi * 440 * times)).astype("<i2").tobytes()
    pieces = [
        chunk(n + 1, n * FRAME_MS, tone[n * 320 : (n + 1) * 320]) for n in range(len(tone) // 320)
    ]
    sound = heard(track, pieces).astype(float)[10 * SETTLED : -SETTLED]
    expected = LOUD * np.sin(2 * np.pi * 440 * (np.arange(len(sound)) + 10 * SETTLED) / 16_000)
    assert np.abs(sound - expected).max() < LOUD * 0.01


def test_a_missing_chunk_becomes_silence_of_its_length() -> None:
    track = new_track()
    chunks = steady(1, 20)
    del chunks[10]
    sound = heard(track, chunks)
    assert 0 <= 20 * 320 - len(sound) <= SETTLED
    assert (track.gaps, track.gap_ms) == (1, FRAME_MS)
    middle = sound[11 * 320 - 240 : 11 * 320 - 80]
    assert np.abs(middle.astype(int)).max() < 200


def test_a_chunk_that_could_not_be_read_leaves_the_same_hole() -> None:
    track = new_track()
    sound = heard(track, [*steady(1, 5), *steady(9, 5)])
    assert 0 <= 13 * 320 - len(sound) <= SETTLED
    assert track.gap_ms == 3 * FRAME_MS


def test_a_chunk_that_comes_twice_or_late_is_dropped() -> None:
    track = new_track()
    first, second, third = steady(1, 3)
    sound = heard(track, [first, second, second, third, first])
    assert 0 <= 3 * 320 - len(sound) <= SETTLED
    assert track.late_chunks == 2


def test_a_hole_that_the_clock_has_filled_is_counted_only() -> None:
    track = new_track()
    sound = heard(track, [*steady(1, 5), *steady(6, 5, shift_ms=LONGEST_FILL_MS + 20)])
    assert 0 <= 10 * 320 - len(sound) <= SETTLED
    assert (track.gaps, track.gap_ms) == (1, LONGEST_FILL_MS + 20)


@pytest.mark.parametrize("far_ms", [2**53, 10**12])
def test_a_time_stamp_out_of_this_world_costs_no_memory(far_ms: int) -> None:
    track = new_track()
    sound = heard(track, [chunk(1, 0), chunk(2, far_ms), chunk(3, 40), chunk(4, 60)])
    assert len(sound) <= LONGEST_FILL_MS * 16 + 4 * 320
    assert track.hear(chunk(5, 80)).size


def test_time_stamps_that_begin_anew_are_followed() -> None:
    track = new_track()
    heard(track, steady(1, 500))
    sound = heard(track, [chunk(501 + n, n * FRAME_MS) for n in range(50)])
    assert 50 * 320 - len(sound) <= SETTLED
    assert track.late_chunks == 0


@pytest.mark.parametrize("first_ms", [0, 501 * FRAME_MS])
def test_numbers_that_begin_anew_are_followed(first_ms: int) -> None:
    """With time stamps that do so too, or that go on."""
    track = new_track()
    heard(track, steady(1, 500))
    anew = [chunk(1 + n, first_ms + n * FRAME_MS) for n in range(50)]
    sound = heard(track, [*anew[:20], anew[19], anew[18], *anew[20:]])
    assert 50 * 320 - len(sound) <= SETTLED
    assert (track.late_chunks, track.gaps) == (2, 0)


def test_a_clock_that_runs_slower_than_its_sound_is_kept_up_with() -> None:
    track = new_track()
    chunks = [chunk(n, round(n * 19.8)) for n in range(1, 1_001)]
    heard(track, chunks)
    assert 8 <= track.late_chunks <= 12
    assert track.gaps == 0


def test_half_a_sample_is_refused_and_the_stream_goes_on() -> None:
    track = new_track("audio/x-l16")
    with pytest.raises(ValueError, match="buffer"):
        track.hear(chunk(1, 0, b"\x01"))
    assert track.hear(chunk(2, 20, b"\x01\x00" * 160)).size >= 0
    assert track.late_chunks == 0

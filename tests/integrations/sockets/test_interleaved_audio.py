"""Pieces of any length, and no sample lost or turned round between two of them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interject.integrations.sockets.interleaved_audio import (
    AudioEncoding,
    AudioFormat,
    InterleavedAudio,
)


@given(
    encoding=st.sampled_from(AudioEncoding),
    channels=st.integers(1, 3),
    cuts=st.lists(st.integers(0, 400), max_size=8),
)
def test_wherever_it_is_cut_each_channel_is_whole(
    encoding: AudioEncoding, channels: int, cuts: list[int]
) -> None:
    ramp = np.arange(60 * channels, dtype=np.int16).reshape(-1, channels) * 200 - 9_000
    sound = encoding.encoded(ramp.reshape(-1).astype(np.int16))
    audio = InterleavedAudio(AudioFormat(encoding, 8_000, channels))
    places = [0, *sorted(min(cut, len(sound)) for cut in cuts), len(sound)]
    pieces = [audio.split(sound[a:b]) for a, b in itertools.pairwise(places)]
    for channel in range(channels):
        whole = np.concatenate([piece[channel] for piece in pieces])
        expected = encoding.decoded(encoding.encoded(np.ascontiguousarray(ramp[:, channel])))
        assert np.array_equal(whole, expected)


@pytest.mark.parametrize("encoding", AudioEncoding)
def test_half_a_sample_is_no_sound_yet(encoding: AudioEncoding) -> None:
    audio = InterleavedAudio(AudioFormat(encoding, 8_000, 2))
    assert [len(channel) for channel in audio.split(b"\x01")] == [0, 0]
    assert [len(channel) for channel in audio.split(b"")] == [0, 0]

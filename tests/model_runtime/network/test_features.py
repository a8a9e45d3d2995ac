"""Features of a stream equal those of the whole clip, however the sound arrives."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from transformers import WhisperFeatureExtractor
from transformers.audio_utils import mel_filter_bank

from interject.model_runtime.network.architecture import CHUNK_MEL_FRAMES, FeatureConfig
from interject.model_runtime.network.features import (
    StreamFeatures,
    StreamingLogMel,
    mel_filters,
    whole_clip,
    whole_clip_log_mel,
)
from interject.model_runtime.protocol import FRAME_SAMPLES, LOOKAHEAD_SAMPLES
from interject.model_runtime.rounding import assert_same
from tests.model_runtime.alike import assert_same_features

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

pytestmark = pytest.mark.numerics
CONFIG = FeatureConfig()
LEVELS = (0.0, 1e-5, 1e-3, 0.03, 0.3, 1.0)
LONGEST_SAMPLES = 4 * FRAME_SAMPLES + 777


def sound(parts: Sequence[tuple[int, float, str]], seed: int) -> Tensor:
    """Parts of (samples, level, kind), one after another, as float32 in -1..1."""
    rng = np.random.default_rng(seed)
    pieces = []
    for samples, level, kind in parts:
        if kind == "noise":
            piece = rng.uniform(-1.0, 1.0, samples)
        elif kind == "square":
            piece = np.where(np.arange(samples) // 40 % 2, 1.0, -1.0)
        else:
            piece = np.sin(2 * np.pi * rng.uniform(50, 7900) / 16_000 * np.arange(samples))
        pieces.append(np.clip(piece * level, -1.0, 1.0))
    return torch.from_numpy(np.concatenate(pieces).astype(np.float32))


def streamed(clip: Tensor, cuts: Sequence[int]) -> Tensor:
    """The clip's features, pushed in pieces that end at `cuts`."""
    stream = StreamingLogMel()
    edges = [0, *sorted(min(cut, len(clip)) for cut in cuts), len(clip)]
    heard = [stream.push(clip[start:end]) for start, end in pairwise(edges)]
    return torch.cat([*heard, stream.flush()])


def expected(clip: Tensor) -> Tensor:
    """The clamp below the loudest so far, written out chunk by chunk."""
    features = []
    loudest = -float("inf")
    for chunk in whole_clip_log_mel(clip, CONFIG):
        loudest = max(loudest, float(chunk.max()))
        features.append((chunk.clamp(min=loudest - 8.0) + 4.0) / 4.0)
    return torch.stack(features)


part = st.tuples(
    st.integers(1, 2 * FRAME_SAMPLES),
    st.sampled_from(LEVELS),
    st.sampled_from(["noise", "square", "tone"]),
)
cut = st.one_of(
    st.integers(0, LONGEST_SAMPLES),
    st.sampled_from([-1, 0, 1, LOOKAHEAD_SAMPLES - 1, LOOKAHEAD_SAMPLES]).map(
        lambda offset: FRAME_SAMPLES + offset
    ),
)


@settings(max_examples=60, deadline=None)
@given(
    parts=st.lists(part, min_size=1, max_size=4),
    cuts=st.lists(cut, max_size=8),
    seed=st.integers(0, 2**16),
)
@example(parts=[(1, 1.0, "noise")], cuts=[], seed=0)
@example(parts=[(2 * FRAME_SAMPLES, 0.0, "noise")], cuts=[FRAME_SAMPLES], seed=0)
@example(parts=[(2 * FRAME_SAMPLES, 1.0, "square")], cuts=[FRAME_SAMPLES + 39], seed=0)
@example(parts=[(FRAME_SAMPLES + 39, 0.3, "tone")], cuts=list(range(0, 6439, 160)), seed=1)
def test_any_split_equals_the_whole_clip(
    parts: list[tuple[int, float, str]], cuts: list[int], seed: int
) -> None:
    clip = sound(parts, seed)
    assert_same_features(streamed(clip, cuts), expected(clip))


@pytest.mark.parametrize("piece", [1, 37, 160, 6399, 6400, 6401, 6440, 20_000])
def test_pieces_of_one_length(piece: int) -> None:
    clip = sound([(FRAME_SAMPLES, 0.001, "tone"), (FRAME_SAMPLES + 91, 0.3, "noise")], seed=3)
    cuts = range(piece, len(clip), piece)
    assert_same_features(streamed(clip, cuts), expected(clip))


@pytest.mark.parametrize("rest", [0, 1, 39, 40, 41, 6399])
def test_equals_the_whole_clip_where_the_maximum_comes_first(rest: int) -> None:
    burst = sound([(800, 1.0, "square")], seed=1)
    quiet = sound([(2 * FRAME_SAMPLES + rest, 0.01, "noise")], seed=1)
    clip = torch.cat((burst, quiet))[: 2 * FRAME_SAMPLES + rest]
    assert int(whole_clip_log_mel(clip, CONFIG).amax(dim=(-2, -1)).argmax()) == 0
    assert_same_features(streamed(clip, [5000]), whole_clip(clip))


def test_a_chunk_never_depends_on_what_follows_its_lookahead() -> None:
    quiet = sound([(FRAME_SAMPLES + LOOKAHEAD_SAMPLES, 0.01, "noise")], seed=4)
    loud = sound([(FRAME_SAMPLES, 1.0, "square")], seed=4)
    first, second = StreamingLogMel(), StreamingLogMel()
    alone = first.push(quiet)
    assert_same_features(second.push(torch.cat((quiet, loud)))[:1], alone)


def test_a_chunk_is_whole_two_and_a_half_milliseconds_after_its_end() -> None:
    stream = StreamingLogMel()
    assert stream.push(torch.zeros(FRAME_SAMPLES + 39)).shape == (0, 128, CHUNK_MEL_FRAMES)
    assert stream.push(torch.zeros(1)).shape == (1, 128, CHUNK_MEL_FRAMES)
    assert stream.flush().shape == (1, 128, CHUNK_MEL_FRAMES)
    assert stream.flush().shape == (0, 128, CHUNK_MEL_FRAMES)


def test_digital_silence_is_finite_and_flat() -> None:
    features = streamed(torch.zeros(FRAME_SAMPLES), [])
    assert torch.equal(features, torch.full_like(features, -1.5))


def test_after_a_gap_the_past_is_silence() -> None:
    chunk = sound([(FRAME_SAMPLES, 0.3, "noise")], seed=5)
    features = StreamFeatures(CONFIG)
    features.window(chunk, chunk[:LOOKAHEAD_SAMPLES])
    features.forget_context()
    window = features.window(chunk, chunk[:LOOKAHEAD_SAMPLES])
    assert torch.equal(window[:200], torch.zeros(200))
    assert torch.equal(window[200 : 200 + FRAME_SAMPLES], chunk)


@pytest.mark.parametrize("kind", ["noise", "tone", "square", "silence"])
def test_whole_clips_equal_whisper(kind: str) -> None:
    level = 0.0 if kind == "silence" else 0.4
    clip = sound([(3 * FRAME_SAMPLES, level, kind), (2 * FRAME_SAMPLES, level / 50, "noise")], 7)
    whisper = WhisperFeatureExtractor(feature_size=128)
    theirs = whisper(clip.numpy(), sampling_rate=16_000, padding="do_not_pad", return_tensors="pt")
    ours = whole_clip(clip).transpose(0, 1).flatten(1)
    assert_same_features(ours, theirs["input_features"][0])


@pytest.mark.parametrize("bins", [80, 128])
def test_mel_filters_equal_whisper(bins: int) -> None:
    theirs = mel_filter_bank(
        num_frequency_bins=201,
        num_mel_filters=bins,
        min_frequency=0.0,
        max_frequency=8000.0,
        sampling_rate=16_000,
        norm="slaney",
        mel_scale="slaney",
    )
    ours = mel_filters(FeatureConfig(mel_bins=bins))
    assert_same(ours, torch.from_numpy(theirs).float(), terms=1)


def test_a_hop_that_does_not_divide_a_chunk_is_refused() -> None:
    with pytest.raises(ValueError, match="hop 100 is not 6400 samples"):
        FeatureConfig(hop=100)

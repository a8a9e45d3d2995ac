from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interject.training.bank.adpcm import AdpcmBlocks, blocks_of, clip_of, decode, encode

if TYPE_CHECKING:
    from interject.training.nano.speech_bank import SpeechBank
    from interject.training.speech.utterance import Pcm


def heard_again(pcm: Pcm) -> Pcm:
    blocks, (gain,) = encode([pcm])
    return clip_of(decode(blocks), len(pcm), gain)


def signal_to_noise_db(pcm: Pcm, again: Pcm) -> float:
    noise = pcm.astype(np.float64) - again
    return float(10 * np.log10(np.square(pcm.astype(np.float64)).sum() / np.square(noise).sum()))


def test_the_decoder_does_what_the_published_one_does() -> None:
    """Worked by hand: step 7 (index 0), codes 7, 0, 15, from the value 100."""
    codes = np.zeros((1, 256), np.uint8)
    codes[0, :2] = (0x07, 0x0F)
    blocks = AdpcmBlocks(codes, np.array([100], np.int16), np.array([0], np.uint8))
    # 100 + (7 + 3 + 1 + 0); index 8, step 16: + 16 // 8; index 7, step 14: - (14 + 7 + 3 + 1).
    assert decode(blocks)[0, :3].tolist() == [111, 113, 88]


def test_speech_comes_back(bank: SpeechBank) -> None:
    pcm = bank[0].pcm
    assert signal_to_noise_db(pcm, heard_again(pcm)) > 18


@pytest.mark.parametrize("level", [3, 100, 9_000])
def test_noise_comes_back_at_any_level(level: int) -> None:
    noise = np.random.default_rng(1).standard_normal(20_000) * level
    pcm = np.round(noise).clip(-32_768, 32_767).astype(np.int16)
    assert signal_to_noise_db(pcm, heard_again(pcm)) > 10


@settings(max_examples=10)
@given(st.integers(1, 2_000), st.integers(0, 2**32 - 1), st.booleans())
def test_any_clip_keeps_its_length_and_stays_near(samples: int, seed: int, square: bool) -> None:
    rng = np.random.default_rng(seed)
    loud = rng.integers(-32_768, 32_768, samples)
    pcm = (np.where(loud > 0, 32_767, -32_768) if square else loud).astype(np.int16)
    blocks, _ = encode([pcm])
    again = heard_again(pcm)
    assert (len(again), len(blocks)) == (samples, blocks_of(samples))
    if samples > 500:
        assert np.corrcoef(pcm, again)[0, 1] > 0.85


def test_silence_stays_silence() -> None:
    assert np.abs(heard_again(np.zeros(1_500, np.int16))).max() == 0


def test_clips_are_coded_as_if_alone() -> None:
    rng = np.random.default_rng(2)
    clips = [rng.integers(-900, 900, n).astype(np.int16) for n in (700, 512, 1)]
    together, gains = encode(clips)
    alone = [encode([pcm]) for pcm in clips]
    assert np.array_equal(together.codes, AdpcmBlocks.joined([b for b, _ in alone]).codes)
    assert gains == [gain for _, (gain,) in alone]


def test_no_clip_is_no_block() -> None:
    blocks, gains = encode([])
    assert (decode(blocks).shape, gains) == ((0, 512), [])

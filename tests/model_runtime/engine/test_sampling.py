"""A session's settings say how its tokens are drawn, and when a reply says the same again."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from interject.model_runtime.engine.sampling import Sampler, TokenMasks
from interject.model_runtime.network.layout import TokenLayout
from interject.model_runtime.protocol import Sampling


def test_without_temperature_nothing_is_left_to_chance() -> None:
    assert Sampler(Sampling(seed=5)).token_draw(reply_id=0, index=0) is None
    assert Sampler(Sampling(temperature=0.01)).token_draw(reply_id=0, index=0) is not None


def test_seed_reply_and_place_decide() -> None:
    def chance(seed: int, reply_id: int, index: int) -> float:
        draw = Sampler(Sampling(temperature=1.0, seed=seed)).token_draw(
            reply_id=reply_id, index=index
        )
        assert draw is not None
        return draw.uniform

    assert chance(1, 2, 3) == chance(1, 2, 3)
    assert len({chance(1, 2, 3), chance(0, 2, 3), chance(1, 0, 3), chance(1, 2, 0)}) == 4


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**31 - 1), st.integers(0, 4_095))
def test_chance_is_below_one(seed: int, reply_id: int, index: int) -> None:
    settings = Sampling(temperature=0.7, top_k=5, top_p=0.9, seed=seed)
    draw = Sampler(settings).token_draw(reply_id=reply_id, index=index)
    assert draw is not None
    assert 0.0 <= draw.uniform < 1.0
    assert (draw.temperature, draw.top_k, draw.top_p) == (0.7, 5, 0.9)


@pytest.mark.parametrize(
    ("tokens", "loops"),
    [
        ([7] * 11, False),
        ([7] * 12, True),
        ([1, 2] * 6, True),
        ([1, 2] * 5, False),
        ([1, 2, 3, 4, 5] * 3, True),
        ([1, 2, 3, 4, 5] * 2, False),
        ([9, 9, *[1, 2, 3, 4] * 3], True),
        ([*[1, 2, 3, 4] * 3, 9], False),
        (list(range(16)) * 3, True),
        (list(range(17)) * 3, False),
        ([], False),
    ],
)
def test_a_run_said_over_and_over_is_a_loop(tokens: list[int], loops: bool) -> None:
    assert Sampler(Sampling()).loops(tokens) is loops


@given(st.lists(st.integers(0, 2), max_size=60))
def test_without_a_window_nothing_is_a_loop(tokens: list[int]) -> None:
    assert not Sampler(Sampling(repetition_window=0)).loops(tokens)


def test_masks_of_the_released_ids() -> None:
    layout = TokenLayout()
    masks = TokenMasks(layout, 151_936, torch.device("cpu"))
    text, emotion = masks.text.isfinite(), masks.emotion.isfinite()
    assert text[:151_601].all()
    assert text[layout.text_end]
    steering = [layout.user, layout.assistant, layout.keep_silence, layout.online, layout.offline]
    steering += [layout.language, layout.text_begin, layout.audio_begin, layout.audio_end]
    assert not text[[*steering, *layout.emotions.values()]].any()
    assert not text[151_665:].any()
    assert set(emotion.nonzero().flatten().tolist()) == set(layout.emotions.values())


@given(st.lists(st.integers(0, 2), max_size=60), st.integers(0, 256), st.integers(2, 16))
def test_a_loop_is_one_run_over_and_over(tokens: list[int], window: int, limit: int) -> None:
    def repeats(length: int) -> bool:
        times = max(limit, -(-12 // length))
        run = tokens[-length:] * times
        return len(run) == length * times and tokens[-len(run) :] == run

    sampler = Sampler(Sampling(repetition_window=window, repetition_limit=limit))
    assert sampler.loops(tokens) == any(map(repeats, range(1, window + 1)))

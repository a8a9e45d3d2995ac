"""Tokens are drawn by the settings, from what may be drawn."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from interject.model_runtime.engine.sampling import Sampler, TokenMasks
from interject.model_runtime.network.layout import TokenLayout
from interject.model_runtime.protocol import Sampling

LOGITS = torch.tensor([1.0, 3.0, 2.0, -1.0, 0.0])


def draws(settings: Sampling, count: int = 400) -> list[int]:
    sampler = Sampler(settings)
    return [sampler.draw(LOGITS, reply_id=0, index=place) for place in range(count)]


def test_without_temperature_the_largest_wins() -> None:
    assert set(draws(Sampling(temperature=0.0, seed=5), 20)) == {1}
    assert Sampler(Sampling()).greedy
    assert not Sampler(Sampling(temperature=0.7)).greedy


def test_the_seed_decides() -> None:
    assert draws(Sampling(temperature=1.0, seed=1)) == draws(Sampling(temperature=1.0, seed=1))
    assert draws(Sampling(temperature=1.0, seed=1)) != draws(Sampling(temperature=1.0, seed=2))


def test_samplers_do_not_disturb_each_other() -> None:
    alone = draws(Sampling(temperature=1.0, seed=3), 50)
    first, other = (Sampler(Sampling(temperature=1.0, seed=seed)) for seed in (3, 9))
    mixed: list[int] = []
    for _ in range(50):
        mixed.append(first.draw(LOGITS, reply_id=0, index=len(mixed)))
        other.draw(LOGITS, reply_id=0, index=len(mixed))
    assert mixed == alone


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_frequencies_follow_the_softmax(temperature: float) -> None:
    wanted = (LOGITS / temperature).softmax(-1)
    counts = Counter(draws(Sampling(temperature=temperature), 4000))
    for token, probability in enumerate(wanted.tolist()):
        assert counts[token] / 4000 == pytest.approx(probability, abs=0.03)


@pytest.mark.parametrize(
    ("top_k", "allowed"), [(1, {1}), (2, {1, 2}), (3, {0, 1, 2}), (0, {0, 1, 2, 3, 4}), (9, None)]
)
def test_top_k(top_k: int, allowed: set[int] | None) -> None:
    drawn = set(draws(Sampling(temperature=3.0, top_k=top_k)))
    assert drawn == (allowed or {0, 1, 2, 3, 4})


@pytest.mark.parametrize(
    ("top_p", "allowed"), [(1e-6, {1}), (0.1, {1}), (0.7, {1, 2}), (1.0, {0, 1, 2, 3, 4})]
)
def test_top_p(top_p: float, allowed: set[int]) -> None:
    """At temperature 1 the probabilities are 0.09, 0.63, 0.23, 0.01, 0.03."""
    assert set(draws(Sampling(temperature=1.0, top_p=top_p), 2000)) == allowed


def test_masked_tokens_are_never_drawn() -> None:
    masked = LOGITS + torch.tensor([0.0, -torch.inf, 0.0, -torch.inf, 0.0])
    sampler = Sampler(Sampling(temperature=5.0, top_p=0.99, top_k=4))
    assert {sampler.draw(masked, reply_id=0, index=n) for n in range(300)} <= {0, 2, 4}


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


finite = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(
    st.lists(st.one_of(finite, st.just(-torch.inf)), min_size=1, max_size=40),
    finite,
    st.one_of(st.just(0), st.floats(0.01, 10)),
    st.integers(0, 1_000_000),
    st.floats(1e-6, 1),
    st.integers(-(2**63), 2**63 - 1),
)
def test_every_setting_draws_something_that_may_be_drawn(
    others: list[float], one: float, temperature: float, top_k: int, top_p: float, seed: int
) -> None:
    logits = torch.tensor([one, *others])
    sampler = Sampler(Sampling(temperature=temperature, top_k=top_k, top_p=top_p, seed=seed))
    drawn = sampler.draw(logits, reply_id=2**31 - 1, index=4_095)
    assert logits[drawn] > -torch.inf


@given(st.lists(st.integers(0, 2), max_size=60), st.integers(0, 256), st.integers(2, 16))
def test_a_loop_is_one_run_over_and_over(tokens: list[int], window: int, limit: int) -> None:
    def repeats(length: int) -> bool:
        times = max(limit, -(-12 // length))
        run = tokens[-length:] * times
        return len(run) == length * times and tokens[-len(run) :] == run

    sampler = Sampler(Sampling(repetition_window=window, repetition_limit=limit))
    assert sampler.loops(tokens) == any(map(repeats, range(1, window + 1)))

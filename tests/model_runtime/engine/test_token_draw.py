"""Tokens are drawn by each row's settings, from what may be drawn."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from interject.model_runtime import limits
from interject.model_runtime.engine.sampling import Sampler
from interject.model_runtime.engine.token_draw import TokenDraw, draw_tokens
from interject.model_runtime.protocol import Sampling

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]
LOGITS = torch.tensor([1.0, 3.0, 2.0, -1.0, 0.0])
ALMOST_ONE = 1.0 - 2.0**-53
STEPS = 4_000
WIDE = 151_936


def drawn(logits: Tensor, *draws: TokenDraw | None) -> list[int]:
    """A token by each of `draws`, from the same logits."""
    ids: list[int] = draw_tokens(logits.expand(len(draws), -1), draws).ids.tolist()
    return ids


def every_chance(temperature: float, *, top_k: int = 0, top_p: float = 1.0) -> list[TokenDraw]:
    """Chances evenly apart, so that frequencies are probabilities to one part in `STEPS`."""
    return [TokenDraw(temperature, top_k, top_p, n / STEPS) for n in range(STEPS)]


def by_definition(logits: Tensor, draw: TokenDraw) -> dict[int, float]:
    """The probabilities, one token after the other, the likeliest first and ties by id."""
    scores = {n: logit / draw.temperature for n, logit in enumerate(logits.tolist())}
    ranked = sorted(scores, key=lambda n: (-scores[n], n))[: draw.top_k or None]
    shares = torch.tensor([scores[n] for n in ranked], dtype=torch.float64).softmax(0).tolist()
    kept: dict[int, float] = {}
    for token, share in zip(ranked, shares, strict=True):
        if sum(kept.values()) < draw.top_p:
            kept[token] = share
    return {token: share / sum(kept.values()) for token, share in kept.items()}


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
@pytest.mark.parametrize("top_k", [0, 1, 2, 4, 5, 9])
@pytest.mark.parametrize("top_p", [1e-6, 0.5, 0.93, 1.0])
def test_frequencies_are_the_probabilities(temperature: float, top_k: int, top_p: float) -> None:
    draws = every_chance(temperature, top_k=top_k, top_p=top_p)
    wanted = by_definition(LOGITS, draws[0])
    counts = Counter(drawn(LOGITS, *draws))
    assert set(counts) <= set(wanted)
    for token, probability in wanted.items():
        assert abs(counts[token] - probability * STEPS) <= 1


def test_seeds_draw_as_often_as_the_probabilities_say() -> None:
    """Pearson's chi-square with 4 degrees of freedom is beyond 18.5 once in a thousand times."""
    count = 20_000
    samplers = [Sampler(Sampling(temperature=1.5, seed=seed)) for seed in range(count)]
    draws = [one.token_draw(reply_id=3, index=7) for one in samplers]
    counts = Counter(drawn(LOGITS, *draws))
    wanted = (LOGITS / 1.5).softmax(-1).tolist()
    assert sum((counts[n] - count * p) ** 2 / (count * p) for n, p in enumerate(wanted)) < 18.5


def test_places_of_a_reply_draw_independently() -> None:
    """The same, of pairs that follow each other: 24 degrees of freedom, 51.2."""
    count = 20_000
    sampler = Sampler(Sampling(temperature=1.5, seed=11))
    tokens = drawn(LOGITS, *(sampler.token_draw(reply_id=0, index=n) for n in range(2 * count)))
    pairs = Counter(zip(tokens[::2], tokens[1::2], strict=True))
    wanted = (LOGITS / 1.5).softmax(-1).outer((LOGITS / 1.5).softmax(-1)) * count
    off = [
        (pairs[one, other] - wanted[one, other].item()) ** 2 / wanted[one, other].item()
        for one in range(5)
        for other in range(5)
    ]
    assert sum(off) < 51.2


def test_tokens_as_likely_as_each_other_come_by_id() -> None:
    level = torch.zeros(1_000)
    for top_k, top_p in ((3, 1.0), (0, 0.003), (3, 0.9)):
        assert set(drawn(level, *every_chance(1.0, top_k=top_k, top_p=top_p))) == {0, 1, 2}


def test_zero_with_a_sign_is_as_likely_as_without() -> None:
    zeros = torch.tensor([-0.0, 0.0, -0.0, 0.0])
    for top_k, top_p in ((2, 1.0), (0, 0.4), (2, 0.9)):
        assert set(drawn(zeros, *every_chance(1.0, top_k=top_k, top_p=top_p))) == {0, 1}


def settings(chance: float) -> list[TokenDraw | None]:
    rows = [(0.01, 0, 1.0), (0.7, 0, 1.0), (10.0, 0, 1.0), (0.7, 0, 0.9), (1.3, 0, 0.2)]
    rows += [(0.7, 1, 1.0), (1.0, 50, 1.0), (2.0, 900, 0.8), (0.7, 5_000, 1.0)]
    return [None, *(TokenDraw(*row, chance) for row in rows)]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("vocabulary", [1_000, WIDE])
def test_neighbours_change_nothing(device: str, vocabulary: int) -> None:
    """Each row alone, on the CPU, draws what it does among others, on any device."""
    chance = torch.Generator().manual_seed(7)
    draws = [d for u in torch.rand(3, generator=chance).tolist() for d in settings(u)]
    logits = torch.randn(len(draws), vocabulary, generator=chance).mul(3).bfloat16().float()
    logits[:, 5:300] = -torch.inf
    alone = [draw_tokens(row[None], [draw]) for row, draw in zip(logits, draws, strict=True)]
    together = draw_tokens(logits.to(device), draws)
    backwards = draw_tokens(logits.flip(0).to(device), draws[::-1])
    assert together.ids.tolist() == [one.ids.item() for one in alone]
    assert together.largest.tolist() == [one.largest.item() for one in alone]
    assert backwards.ids.tolist() == together.ids.tolist()[::-1]
    greedy = draw_tokens(logits.to(device), [None] * len(draws)).ids.tolist()
    assert greedy == logits.argmax(-1).tolist()
    assert [greedy[n] for n in (0, 6)] == [together.ids[n].item() for n in (0, 6)]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("spoilt", [torch.nan, torch.inf, -torch.inf])
def test_a_row_of_no_numbers_spoils_no_other(device: str, spoilt: float) -> None:
    for draw in settings(0.4):
        logits = torch.stack((LOGITS, torch.full((5,), spoilt), LOGITS))
        found = draw_tokens(logits.to(device), [draw, draw, draw])
        alone = drawn(LOGITS, draw)
        assert [found.ids[0].item(), found.ids[2].item()] == alone * 2
        assert 0 <= found.ids[1].item() < 5
        assert found.largest.isfinite().tolist() == [True, False, True]


def test_one_value_that_is_no_number_shows() -> None:
    logits = torch.tensor([[0.0, torch.nan, 1.0], [0.0, -torch.inf, 1.0], [torch.inf, 0.0, 1.0]])
    found = draw_tokens(logits, [TokenDraw(1.0, 0, 0.9, 0.5)] * 3)
    assert found.largest.isfinite().tolist() == [False, True, False]


def computed(*draws: TokenDraw | None) -> set[str]:
    """The operations of one call."""
    with torch.profiler.profile() as profile:
        draw_tokens(torch.zeros(len(draws), 100), draws)
    return {event.name for event in profile.events() or []}


def test_nothing_is_sorted_that_need_not_be() -> None:
    sorting = {"aten::sort", "aten::topk"}
    assert not sorting & computed(None, TokenDraw(1.0, 0, 1.0, 0.5), TokenDraw(1.0, 100, 1.0, 0.5))
    assert sorting & computed(None, TokenDraw(1.0, 9, 0.5, 0.5)) == {"aten::topk"}
    assert "aten::max" in computed(None)
    assert "aten::cumsum" not in computed(None)


@pytest.mark.gpu
@pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype")
def test_nothing_waits_for_the_device() -> None:
    logits = torch.zeros(len(settings(0.5)), WIDE, device="cuda")
    draw_tokens(logits, settings(0.5))
    torch.cuda.set_sync_debug_mode("error")
    try:
        draw_tokens(logits, settings(0.5))
    finally:
        torch.cuda.set_sync_debug_mode("default")


finite = st.floats(width=32, allow_nan=False, allow_infinity=False)
temperatures = st.one_of(
    st.sampled_from((limits.MIN_TEMPERATURE, limits.MAX_TEMPERATURE)),
    st.floats(limits.MIN_TEMPERATURE, limits.MAX_TEMPERATURE),
)
token_draws = st.builds(
    TokenDraw,
    temperatures,
    st.one_of(st.integers(0, 41), st.just(limits.MAX_TOP_K)),
    st.one_of(st.sampled_from((limits.MIN_TOP_P, 1.0)), st.floats(limits.MIN_TOP_P, 1.0)),
    st.one_of(st.sampled_from((0.0, ALMOST_ONE)), st.floats(0.0, ALMOST_ONE)),
)


@given(
    st.lists(st.one_of(finite, st.just(-torch.inf)), max_size=40),
    finite,
    st.lists(st.one_of(st.none(), token_draws), min_size=1, max_size=6),
)
def test_every_setting_draws_something_that_may_be_drawn(
    others: list[float], one: float, draws: list[TokenDraw | None]
) -> None:
    logits = torch.tensor([*others, one])
    found = drawn(logits, *draws)
    assert found == [token for draw in draws for token in drawn(logits, draw)]
    for token, draw in zip(found, draws, strict=True):
        assert logits[token] > -torch.inf
        if draw is None or draw.top_k == 1:
            assert token == logits.argmax()
        elif draw.top_k:
            assert (logits > logits[token]).sum() < draw.top_k

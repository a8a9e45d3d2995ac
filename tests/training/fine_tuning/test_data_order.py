from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interject.training.fine_tuning.data_order import DataOrder, split_held_out
from interject.training.fine_tuning.failure import TrainingFailure
from interject.training.fine_tuning.schedule import rate_share
from interject.training.fine_tuning.settings import OptimiserSettings


def sizes(count: int) -> dict[str, int]:
    return {f"s{n:03}": 100 + 37 * n % 90 for n in range(count)}


@given(st.integers(1, 40), st.integers(1, 8), st.integers(1, 5), st.integers(1, 4))
def test_every_stream_is_taken_once_an_epoch(
    count: int, a_device: int, a_rank: int, world: int
) -> None:
    step_streams = a_rank * world
    order = DataOrder(
        sizes(count), seed=3, streams_per_step=step_streams, streams_per_device=a_device,
        world=world,
    )  # fmt: skip
    steps = math.lcm(count, step_streams) // step_streams
    taken = [name for step in range(steps) for name in order.streams(step)]
    assert {taken.count(name) for name in sizes(count)} == {len(taken) // count}
    first = order.streams(0)
    shared = [order.passes(0, rank) for rank in range(world)]
    assert sorted(n for passes in shared for names in passes for n in names) == sorted(first)
    assert len({len(passes) for passes in shared}) == 1
    assert all(names for passes in shared for names in passes)


def test_epochs_differ_and_the_same_seed_gives_the_same_order() -> None:
    one, same, other = (
        DataOrder(sizes(20), seed=seed, streams_per_step=20, streams_per_device=4)
        for seed in (1, 1, 2)
    )
    assert one.streams(0) == same.streams(0)
    assert one.passes(7) == same.passes(7)
    assert len({tuple(x) for x in (one.streams(0), one.streams(1), other.streams(0))}) == 3


def test_a_step_that_processes_cannot_share_is_refused() -> None:
    with pytest.raises(TrainingFailure, match="streams_per_step 5: cannot be shared by 2"):
        DataOrder(sizes(9), seed=1, streams_per_step=5, streams_per_device=1, world=2)


@given(st.sets(st.text("abc", min_size=1, max_size=5), max_size=60), st.floats(0, 0.99))
def test_a_stream_is_learnt_or_held_out(names: set[str], share: float) -> None:
    learnt, held_out = split_held_out(list(names), share)
    assert sorted([*learnt, *held_out]) == sorted(names)
    if names:
        assert learnt
    if share == 0:
        assert not held_out
    elif len(names) > 1:
        assert held_out


def test_the_rate_warms_up_and_falls_as_a_cosine() -> None:
    settings = OptimiserSettings()
    assert rate_share(0.0, settings) == 0.0
    assert rate_share(0.015, settings) == pytest.approx(0.5)
    assert rate_share(0.03, settings) == pytest.approx(1.0)
    assert rate_share(0.515, settings) == pytest.approx(0.5)
    assert rate_share(1.0, settings) == pytest.approx(0.0)
    assert rate_share(1.0, OptimiserSettings(final_share=0.3)) == pytest.approx(0.3)
    assert rate_share(0.0, OptimiserSettings(warm_up_share=0.0)) == 1.0

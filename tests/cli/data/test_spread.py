"""Which streams a page shows: of each ability as many, from all over the set."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from interject.cli.data.inspecting import spread
from interject.training.streams.ability import Ability


def test_a_rare_ability_is_shown_as_often_as_a_common_one() -> None:
    places = {
        Ability.PROACTIVE: [f"p{n:03d}" for n in range(100)],
        Ability.TRANSLATION: ["t0", "t1"],
        Ability.VOICE_CHAT: [f"v{n}" for n in range(8)],
    }
    assert spread(places, 10) == [
        "p000", "p025", "p050", "p075", "t0", "t1", "v0", "v2", "v4", "v6"
    ]  # fmt: skip


@given(
    st.dictionaries(st.sampled_from(Ability), st.integers(1, 50), min_size=1), st.integers(0, 100)
)
def test_as_many_as_there_are_or_as_are_wanted(counts: dict[Ability, int], most: int) -> None:
    places = {ability: [f"{ability}{n}" for n in range(count)] for ability, count in counts.items()}
    chosen = spread(places, most)
    assert len(chosen) == len(set(chosen)) == min(most, sum(counts.values()))

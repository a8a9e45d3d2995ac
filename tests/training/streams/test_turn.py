"""A turn knows when it may be answered."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interject.model_runtime.protocol import Emotion
from interject.training.streams.problem import BadStream
from interject.training.streams.turn import StreamTurn, response_chunk


@pytest.mark.parametrize(
    ("end_s", "lag_s", "chunk"),
    [(0.0, 0.0, 0), (0.1, 0.0, 0), (0.4, 0.0, 0), (0.401, 0.0, 1), (1.2, 0.0, 2), (1.2, 0.12, 3),
     (0.1, 0.24, 0), (0.4 + 0.4 + 0.4, 0.0, 2)],
)  # fmt: skip
def test_a_turn_is_answered_after_the_chunk_in_which_it_ends(
    end_s: float, lag_s: float, chunk: int
) -> None:
    assert response_chunk(end_s, decision_lag_s=lag_s) == chunk


@given(st.integers(1, 10_000))
def test_an_end_on_the_grid_belongs_to_the_chunk_that_it_ends(chunks: int) -> None:
    assert response_chunk(chunks * 0.4) == chunks - 1
    assert response_chunk(chunks * 0.4 + 1 / 16_000) == chunks


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"emotion": "joyful"}, "emotion: is 'joyful'; it must be one of happy, sad, angry"),
        ({"assistant": ""}, "assistant: is empty, but there is a response_chunk"),
        ({"response_chunk": None}, "response_chunk: is missing, but there is a reply"),
        ({"response_chunk": 1}, "chunk 2 is the first that can know of it"),
        ({"start_s": -0.1}, "start_s: is -0.1; it must be 0 s or later"),
        ({"start_s": float("nan")}, "start_s: is nan"),
        ({"end_s": 0.4}, "end_s: is 0.4; it must be 0.5 s (the start) or later"),
        ({"end_s": float("inf")}, "end_s: is inf"),
        ({"user": "\ud800"}, "user: holds half a character"),
    ],
)
def test_a_turn_that_contradicts_itself_is_none(changed: dict[str, Any], problem: str) -> None:
    right: dict[str, Any] = {
        "start_s": 0.5, "end_s": 1.0, "user": "hello", "assistant": "Good day.",
        "emotion": Emotion.HAPPY, "response_chunk": 2,
    }  # fmt: skip
    assert not StreamTurn(**right).is_silent
    with pytest.raises(BadStream) as caught:
        StreamTurn(**{**right, **changed})
    assert problem in str(caught.value)

"""A stream that contradicts itself is refused, and says where."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from interject.model_runtime.protocol import FRAME_SAMPLES
from interject.training.streams.ability import Ability
from interject.training.streams.problem import BadStream
from interject.training.streams.span import Layer, SoundSource, StreamSpan, TimedWord
from interject.training.streams.stream import TrainingStream
from interject.training.streams.turn import StreamTurn

SOUND = np.zeros(5 * FRAME_SAMPLES - 100, np.float32)
FIRST = StreamTurn(0.0, 0.7, "what is that", "A bark.", response_chunk=1)
SECOND = StreamTurn(0.7, 1.9, "", "Two barks.", response_chunk=4)
BARK = StreamSpan(Layer.FOREGROUND, "bark", 0.2, 0.5, source=SoundSource("a.wav", "CC0", "0" * 64))
WORDS = (TimedWord("what", 0.3), TimedWord("is", 0.4))


def stream(**changed: Any) -> TrainingStream:
    right: dict[str, Any] = {
        "stream_id": "bark-000001", "ability": Ability.AUDIO_UNDERSTANDING, "sound": SOUND,
        "turns": (FIRST, SECOND), "spans": (BARK,), "seed": 1,
    }  # fmt: skip
    return TrainingStream(**{**right, **changed})


def test_a_stream_counts_the_chunk_that_is_only_begun() -> None:
    assert stream().chunks == 5
    assert stream().duration_s == pytest.approx(2.0, abs=0.01)


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"turns": (FIRST, FIRST)}, "turns.1.start_s: is 0; the turn before it ends at 0.7 s"),
        ({"turns": (StreamTurn(0, 2.1, ""),)}, "turns.0.end_s: is 2.1; the sound ends at 1.99375"),
        (
            {"turns": (StreamTurn(0, 1.9, "", "Late.", response_chunk=5),)},
            "turns.0.response_chunk: is 5; the sound has 5 chunks, from 0 on",
        ),
        (
            {"turns": (StreamTurn(0, 0.1, "", "Yes.", response_chunk=0),
                       StreamTurn(0.1, 0.2, "", "No.", response_chunk=0))},
            "turns.1.response_chunk: is 0; the reply before it begins at chunk 0",
        ),
        (
            {"turns": (FIRST, StreamTurn(0.7, 1.9, "Which?", reference_turn=1))},
            "turns.1.reference_turn: is 1; it must be an earlier turn",
        ),
        ({"spans": (StreamSpan(Layer.NOISE, "", 0, 9),)}, "spans.0.end_s: is 9; the sound ends"),
        ({"sound": SOUND[:0]}, "sound: is empty"),
        ({"sound": SOUND.astype(np.float64)}, "sound: is float64 (31900,)"),
        ({"sound": np.full(6_400, np.nan, np.float32)}, "sound: has a peak of nan"),
        ({"sound": np.full(6_400, 1.5, np.float32)}, "sound: has a peak of 1.5"),
        ({"stream_id": "a/b.wav"}, "stream_id: is 'a/b.wav'; it must be 1 to 90 of the letters"),
        ({"stream_id": "../x"}, "stream_id: is '../x'"),
        ({"ability": "singing"}, "ability: is 'singing'; it must be one of voice_chat"),
        ({"seed": -1}, "seed: is -1"),
        ({"system_prompt": "\udc00"}, "system_prompt: holds half a character"),
    ],
)  # fmt: skip
def test_a_contradiction_is_named_with_its_place(changed: dict[str, Any], problem: str) -> None:
    with pytest.raises(BadStream) as caught:
        stream(**changed)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: SoundSource("a.wav", " ", "0" * 64), "licence: is empty"),
        (lambda: SoundSource("", "CC0", "0" * 64), "name: is empty"),
        (lambda: SoundSource("a.wav", "CC0", "0" * 63), "sha256: must be 64 digits"),
        (lambda: StreamSpan("music", "", 0, 1), "layer: is 'music'; it must be one of foreground"),  # type: ignore[arg-type]
        (lambda: StreamSpan(Layer.SPEECH, "", 0, 0.35, words=WORDS), "words.1.end_s: is 0.4"),
        (lambda: StreamSpan(Layer.SPEECH, "", 0, 1, words=WORDS[::-1]), "words.1.end_s: is 0.3"),
        (
            lambda: StreamSpan(Layer.SPEECH, "", 0, 1, words=(TimedWord("", 0.5),)),
            "words.0.text: is empty",
        ),
    ],
)
def test_a_span_that_contradicts_itself_is_none(make: Any, problem: str) -> None:
    with pytest.raises(BadStream) as caught:
        make()
    assert problem in str(caught.value)


def test_a_problem_travels_between_processes_and_outwards() -> None:
    problem = BadStream("end_s", "is late").inside("turns.3")
    again = pickle.loads(pickle.dumps(problem))
    assert (again.field, again.reason) == ("turns.3.end_s", "is late")
    assert str(again) == "turns.3.end_s: is late"

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.model_runtime.checkpoint import random_model
from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.protocol import Emotion
from interject.model_runtime.rounding import assert_same, model_terms
from interject.training.nano.evaluation import (
    GivenReply,
    Score,
    evaluate,
    frames,
    listen,
    listen_together,
)
from interject.training.nano.random_scene import make_scene
from interject.training.nano.scene import Happening, Scene, Stock, WantedReply
from interject.training.nano.tokenizer import train_tokenizer
from interject.training.sounds.catalogue import CLASSES

if TYPE_CHECKING:
    from interject.model_runtime.network.architecture import ModelConfig


def scene_with(*happenings: Happening, chunks: int = 100) -> Scene:
    return Scene(
        np.zeros(chunks * 6_400 + 40, np.float32), list(happenings),
        np.zeros(chunks * 10, np.int8), np.zeros((chunks * 10, len(CLASSES)), np.uint8),
    )  # fmt: skip


def asked(end_chunk: int, text: str = "Yes.", key: str = "name") -> Happening:
    return Happening(
        key,
        end_chunk * 6_400 - 3_000,
        end_chunk * 6_400 + 10,
        WantedReply(text, Emotion.NORMAL, key),
    )


def test_replies_count_up_to_two_chunks_late_and_only_once() -> None:
    score = Score()
    score.add(
        scene_with(asked(10), asked(20), asked(30), asked(40)),
        [
            GivenReply(10, "Yes."),
            GivenReply(22, "No."),
            GivenReply(33, "Yes."),
            GivenReply(41, "Yes."),
            GivenReply(42, "Yes."),
        ],
    )
    assert (score.wanted, score.found, score.false) == (4, 3, 2)
    assert score.precision == pytest.approx(3 / 5)
    assert score.recall == pytest.approx(3 / 4)
    assert score.exact == pytest.approx(2 / 3)
    assert score.kinds["name"].late == [0, 2, 1]


def test_false_replies_are_blamed_on_what_was_heard_last() -> None:
    score = Score()
    kettle = Happening("kettle", 64_000, 70_000, None)
    score.add(scene_with(kettle), [GivenReply(2, "Yes."), GivenReply(12, "Yes.")])
    assert score.false_after == {"nothing": 1, "kettle": 1}
    assert score.false_an_hour == pytest.approx(2 / (40 / 3600))


def test_a_silent_model_has_full_precision_over_nothing() -> None:
    score = Score()
    score.add(scene_with(asked(3)), [])
    assert (score.precision, score.recall, score.exact) == (0.0, 0.0, 0.0)


def test_frames_carry_the_sound_and_the_next_2_5_ms(stock: Stock) -> None:
    scene = make_scene(stock, np.random.default_rng(1), 4)
    sent = list(frames(scene))
    assert [frame.seq for frame in sent] == [0, 1, 2, 3]
    assert sent[0].lookahead == sent[1].pcm[:80]
    assert len(sent[3].lookahead) == 80


def test_an_untrained_model_can_be_examined_through_the_engine(
    stock: Stock, config: ModelConfig
) -> None:
    model = random_model(config, tokenizer=train_tokenizer())
    scene = make_scene(stock, np.random.default_rng(1), 4)
    replies, probabilities = listen(Engine(model, slots=1), scene, threshold=1.0)
    assert replies == []
    assert len(probabilities) == 4
    assert evaluate(model, [scene], threshold=1.0).hours == pytest.approx(4 * 0.4 / 3600)


@pytest.mark.numerics
def test_streams_that_are_played_together_are_heard_as_alone(
    stock: Stock, config: ModelConfig
) -> None:
    model = random_model(config, tokenizer=train_tokenizer())
    scenes = [make_scene(stock, np.random.default_rng(n), 3 + n) for n in range(3)]
    together = listen_together(Engine(model, slots=3), scenes, threshold=1.0)
    for scene, (replies, probabilities) in zip(scenes, together, strict=True):
        alone, expected = listen(Engine(model, slots=1), scene, threshold=1.0)
        assert replies == alone
        assert_same(probabilities, expected, terms=model_terms(config))

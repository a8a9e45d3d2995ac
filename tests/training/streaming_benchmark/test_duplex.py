"""Scenes made from streams, and their figures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.streaming_benchmark.duplex_scene import (
    LEAD_S,
    LISTENED_S,
    PAUSE_S,
    SceneKind,
    make_scenes,
)
from interject.training.streaming_benchmark.duplex_scores import PlayedScene, score_scenes
from interject.training.streams.span import Layer, StreamSpan
from tests.training.streaming_benchmark.streams import stream


def test_each_asked_turn_makes_four_scenes_and_other_speech_one() -> None:
    streams = [stream("a"), stream("b", loud_s=0.8), stream("c", asked=False)]
    scenes = make_scenes(streams, a_kind=5, seed=1)
    kinds = [(scene.kind, scene.scene_id) for scene in scenes]
    assert len(kinds) == len(set(kinds)) == 9
    assert [name for kind, name in kinds if kind is SceneKind.BACKGROUND] == ["c"]
    over = next(s for s in scenes if s.kind is SceneKind.TAKE_OVER and s.scene_id == "b")
    assert over.due_s == pytest.approx(LEAD_S + 0.8)
    assert len(over.sound) == round((LEAD_S + 0.8 + LISTENED_S) * SAMPLE_RATE_HZ)
    barge = next(s for s in scenes if s.kind is SceneKind.BARGE_IN and s.scene_id == "b")
    assert barge.interruption is not None
    assert len(barge.interruption) == round(1.2 * SAMPLE_RATE_HZ)


def test_scenes_are_the_same_every_time_and_bounded() -> None:
    streams = [stream(name, loud_s=0.8 + number / 10) for number, name in enumerate("abcdef")]
    first, again = (make_scenes(streams, a_kind=2, seed=7) for _ in range(2))
    assert [s.scene_id for s in first if s.kind is SceneKind.TAKE_OVER] == ["a", "b"]
    for one, other in zip(first, again, strict=True):
        assert np.array_equal(one.sound, other.sound)
        assert (one.interruption is None) == (other.interruption is None)


def test_a_pause_is_put_where_the_turn_is_quietest() -> None:
    asked = stream("a", loud_s=2.0)
    sound = asked.sound.copy()
    begin = round((0.8 + 1.1) * SAMPLE_RATE_HZ)
    sound[begin : begin + 800] = 0.0
    (scene,) = [
        s
        for s in make_scenes([replace(asked, sound=sound)], a_kind=1, seed=1)
        if s.kind is SceneKind.PAUSE
    ]
    quiet_from = round((LEAD_S + 1.1) * SAMPLE_RATE_HZ)
    pause = scene.sound[quiet_from : quiet_from + round(PAUSE_S * SAMPLE_RATE_HZ)]
    assert not pause[320:].any()
    assert scene.due_s == pytest.approx(LEAD_S + 2.0 + PAUSE_S)


def test_speech_beside_a_turn_is_background_and_speech_within_it_is_not() -> None:
    asked = stream("a", loud_s=1.2)
    within = StreamSpan(Layer.SPEECH, "user", 0.8, 2.0, text="what is it")
    beside = StreamSpan(Layer.BACKGROUND, "radio", 2.5, 3.5, text="the news")
    for spans, count in (((within,), 0), ((within, beside), 1)):
        scenes = make_scenes([replace(asked, spans=spans)], a_kind=3, seed=1)
        assert sum(s.kind is SceneKind.BACKGROUND for s in scenes) == count


def test_one_turn_alone_has_nobody_to_talk_over_it() -> None:
    kinds = {scene.kind for scene in make_scenes([stream("a")], a_kind=3, seed=1)}
    assert kinds == {SceneKind.TAKE_OVER, SceneKind.PAUSE}


def scene(kind: SceneKind, spoke_ms: float | None, **more: object) -> PlayedScene:
    return PlayedScene.model_validate({"kind": kind, "id": "x", "spoke_ms": spoke_ms, **more})


def test_shares_and_times_are_of_what_each_kind_asks() -> None:
    played = [
        scene(SceneKind.TAKE_OVER, 400.0),
        scene(SceneKind.TAKE_OVER, 600.0),
        scene(SceneKind.TAKE_OVER, -100.0),
        scene(SceneKind.TAKE_OVER, None),
        scene(SceneKind.PAUSE, -500.0),
        scene(SceneKind.PAUSE, 300.0),
        scene(SceneKind.BARGE_IN, 400.0, talked_over=True, stopped_ms=140.0),
        scene(SceneKind.BARGE_IN, 400.0, talked_over=True),
        scene(SceneKind.BARGE_IN, None),
        scene(SceneKind.BACKGROUND, None),
    ]
    scores = {score.kind: score for score in score_scenes(played, seed=1)}
    shares = {kind: (score.scenes, score.share.value) for kind, score in scores.items()}
    assert shares == {
        SceneKind.TAKE_OVER: (4, 0.5),
        SceneKind.PAUSE: (2, 0.5),
        SceneKind.BARGE_IN: (2, 0.5),
        SceneKind.BACKGROUND: (1, 0.0),
    }
    assert scores[SceneKind.TAKE_OVER].p50_ms.value == 500.0
    assert scores[SceneKind.BARGE_IN].p95_ms.value == 140.0
    assert scores[SceneKind.PAUSE].p50_ms.value is None

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from interject.model_runtime.protocol import FRAME_SAMPLES, LOOKAHEAD_SAMPLES, Emotion
from interject.training.nano.language import HELP, NUMBERS
from interject.training.nano.random_scene import make_scene
from interject.training.nano.scene import Happening, Scene, Stock, Style, audible_samples
from interject.training.nano.scene_builder import SceneBuilder
from interject.training.nano.speech_bank import NEAR_MISS, OWN, UNRELATED
from interject.training.nano.stock_shares import StockShares
from interject.training.sounds.alarming import ALARMING
from interject.training.sounds.catalogue import CLASSES


def scenes(stock: Stock, style: Style | None, count: int = 12, chunks: int = 40) -> list[Scene]:
    return [make_scene(stock, np.random.default_rng(n), chunks, style) for n in range(count)]


def test_a_scene_depends_only_on_its_generator(stock: Stock) -> None:
    first, second = (make_scene(stock, np.random.default_rng(4), 25) for _ in range(2))
    assert np.array_equal(first.sound, second.sound)
    assert first.happenings == second.happenings


@pytest.mark.parametrize("style", list(Style))
def test_every_reply_has_a_chunk_of_its_own_inside_the_stream(stock: Stock, style: Style) -> None:
    for scene in scenes(stock, style):
        assert len(scene.sound) == 40 * FRAME_SAMPLES + LOOKAHEAD_SAMPLES
        assert np.abs(scene.sound).max() <= 1.0
        decided = [h.decision_chunk for h in scene.happenings if h.reply]
        assert len(set(decided)) == len(decided)
        assert all(0 <= chunk < scene.chunks for chunk in decided)


def test_the_decision_comes_200_ms_after_the_end() -> None:
    assert Happening("x", 0, 6_400 - 3_201, None).decision_chunk == 0
    assert Happening("x", 0, 6_400 - 3_200, None).decision_chunk == 1


def test_a_sound_that_dies_away_ends_where_it_can_no_more_be_heard() -> None:
    t = np.arange(32_000) / 16_000
    for fall_s in (0.05, 0.1, 0.2):
        dying = (np.exp(-t / fall_s) * np.sin(2 * np.pi * 900 * t)).astype(np.float32)
        assert audible_samples(dying) / 16_000 == pytest.approx(3 * fall_s, abs=0.03)
    lasting = np.sin(2 * np.pi * 900 * t).astype(np.float32)
    assert audible_samples(lasting) == 32_000
    assert audible_samples(lasting[:100]) == 100


def test_an_alarm_is_over_for_its_reply_where_it_can_no_more_be_heard(stock: Stock) -> None:
    """A recording that is cut late, or early, wants its reply at the same moment."""
    blow = np.exp(-np.arange(48_000) / 1_600).astype(np.float32)
    known = replace(stock, sounds={kind: [blow] for kind in stock.sounds})
    alarms = [
        h
        for seed in range(30)
        for h in make_scene(known, np.random.default_rng(seed), 40, Style.MIXED).happenings
        if h.key in ALARMING
    ]
    assert len(alarms) > 8
    assert all(0.2 < (h.end - h.start) / 16_000 < 0.4 for h in alarms)


@pytest.mark.parametrize(("lasting_s", "known_s"), [(0.8, 0.8), (3.5, 2.0)])
def test_an_alarm_that_goes_on_wants_its_reply_meanwhile(
    stock: Stock, lasting_s: float, known_s: float
) -> None:
    lasting = np.sin(np.arange(int(lasting_s * 16_000)) * 0.4).astype(np.float32)
    known = replace(stock, sounds={kind: [lasting] for kind in stock.sounds})
    found = [
        h
        for seed in range(30)
        for h in make_scene(known, np.random.default_rng(seed), 40, Style.MIXED).happenings
    ]
    alarms = [h for h in found if h.key in ALARMING]
    assert len(alarms) > 8
    for alarm in alarms:
        assert (alarm.known_at - alarm.start) / 16_000 == pytest.approx(known_s, rel=0.19)
        assert alarm.decision_chunk == (alarm.known_at + 3_200) // FRAME_SAMPLES
    assert all(h.known_at == h.end for h in found if h.key not in ALARMING)


def test_nothing_wants_a_reply_in_an_unrelated_stream(stock: Stock) -> None:
    found = scenes(stock, Style.UNRELATED)
    assert all(h.reply is None for scene in found for h in scene.happenings)
    assert sum(len(scene.happenings) for scene in found) > 30


@pytest.mark.parametrize(("share", "only"), [(0.0, UNRELATED), (1.0, NEAR_MISS)])
def test_the_talk_is_as_close_to_requests_as_the_world_says(
    stock: Stock, share: float, only: str
) -> None:
    found = scenes(replace(stock, shares=StockShares(near_miss=share)), Style.UNRELATED, count=4)
    talk = {h.key for scene in found for h in scene.happenings} - set(CLASSES)
    assert talk == {only}


def test_the_agents_own_sentences_want_no_reply(stock: Stock) -> None:
    hears_itself = replace(stock, shares=StockShares(near_miss=0.0, own=1.0, echo=1.0))
    for scene in scenes(hears_itself, Style.UNRELATED, count=4):
        talk = {h.key for h in scene.happenings} - set(CLASSES)
        assert talk
        assert all(key.startswith(OWN) for key in talk)
    echoes = 0
    for scene in scenes(hears_itself, Style.MIXED, count=10):
        assert all(h.reply is None for h in scene.happenings if h.key.startswith(OWN))
        for said, heard in pairwise(scene.happenings):
            echoes += said.reply is not None and heard.key == OWN + said.reply.text
    assert echoes > 10


def test_a_clip_holds_one_thing_and_no_echo_of_its_reply(stock: Stock) -> None:
    hears_itself = replace(stock, shares=StockShares(echo=1.0))
    for seed in range(10):
        builder = SceneBuilder(hears_itself, np.random.default_rng(seed), 30, Style.MIXED)
        scene, happening, words = builder.build_clip()
        assert scene.happenings == [happening]
        assert bool(words) == (happening.key not in CLASSES)


def test_alarms_and_cries_for_help_are_always_answered(stock: Stock) -> None:
    seen = set()
    for scene in scenes(stock, Style.MIXED, count=30):
        for happening in scene.happenings:
            if happening.key in ALARMING or happening.key == HELP.key:
                assert happening.reply is not None
                seen.add(happening.key)
                if happening.key in ("smoke_alarm", "glass", HELP.key):
                    assert happening.reply.emotion is Emotion.URGENT
    assert len(seen) >= 5


def test_counts_go_up_by_one_and_only_for_what_was_asked(stock: Stock) -> None:
    numbered = 0
    for scene in scenes(stock, Style.COUNT, count=10, chunks=60):
        count, counted = 0, ""
        for happening in scene.happenings:
            if happening.key.startswith("count_"):
                count, counted = 0, happening.key.removeprefix("count_")
            elif happening.key == counted:
                assert happening.reply is not None
                assert happening.reply.text == NUMBERS[count].capitalize() + "."
                count += 1
                numbered += 1
            elif happening.key in CLASSES and happening.key not in ALARMING:
                assert happening.reply is None
    assert numbered > 20


def test_the_tracks_lie_where_the_sound_is(stock: Stock) -> None:
    builder = SceneBuilder(stock, np.random.default_rng(8), 30, Style.MIXED)
    scene = builder.build()
    for happening in scene.happenings:
        if happening.key in CLASSES:
            column = scene.active[:, CLASSES.index(happening.key)]
            middle = (happening.start + happening.end) // 2 // 640
            assert column[middle] == 1
            assert column[min(len(column) - 1, happening.end // 640 + 2)] == 0
    ends = [end for _, end in scene.words]
    assert ends == sorted(ends)

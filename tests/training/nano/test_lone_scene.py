from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.nano.language import spoken_prompts
from interject.training.nano.lone_scene import LoneSceneBuilder, few_words
from interject.training.nano.random_scene import make_scene
from interject.training.nano.recorded_stock import SOUND, RecordedStock
from interject.training.nano.scene import Scene, Stock, Style
from interject.training.nano.speech_bank import ISOLATED, UNRELATED, SpeechBank
from interject.training.nano.stock_shares import StockShares
from interject.training.sounds.catalogue import CLASSES
from interject.training.speech.utterance import Utterance

if TYPE_CHECKING:
    from collections.abc import Iterator

COUNT = 40


def lone(stock: Stock, count: int = COUNT) -> Iterator[Scene]:
    return (make_scene(stock, np.random.default_rng(n), 60, Style.LONE) for n in range(count))


def said(*words: str) -> Utterance:
    """A word lasts a quarter of a second."""
    size = SAMPLE_RATE_HZ // 4
    return Utterance(
        " ".join(words), "a voice", np.full(size * len(words), 8_000, np.int16),
        np.repeat(np.arange(len(words), dtype=np.int8), 13),
        tuple((word, size * (n + 1)) for n, word in enumerate(words)),
    )  # fmt: skip


def test_most_of_it_wants_silence_and_long_pauses_lie_between(stock: Stock) -> None:
    scenes = list(lone(stock))
    happenings = [h for scene in scenes for h in scene.happenings]
    wanted = sum(h.reply is not None for h in happenings) / len(happenings)
    assert 0.08 < wanted < 0.35
    gaps_s = [
        (later.start - earlier.end) / SAMPLE_RATE_HZ
        for scene in scenes
        for earlier, later in pairwise(scene.happenings)
        if later.reply is not None
    ]
    assert np.median(gaps_s) > 1.2
    busy = np.median([sum(h.end - h.start for h in s.happenings) / len(s.sound) for s in scenes])
    assert busy < 0.5


def test_beside_recordings_some_streams_are_sounds_and_hardly_anything_else(stock: Stock) -> None:
    knock = np.round(np.sin(np.arange(6_000) / 5) * 9_000).astype(np.int16)
    recorded = RecordedStock.of([(SOUND, label, knock) for label in ("thud", "crash")])
    whole = replace(stock, recorded=recorded, shares=StockShares(recorded=0.5))
    sounds_only = []
    for scene in lone(whole):
        is_sound = [h.key in CLASSES or h.key == "thud" for h in scene.happenings]
        if len(is_sound) > 8 and np.mean(is_sound) > 0.75:
            sounds_only += [h for h in scene.happenings if h.key != ISOLATED]
    wanted = sum(h.reply is not None for h in sounds_only) / len(sounds_only)
    assert len(sounds_only) > 5 * 8
    assert 0.25 < wanted < 0.5


def test_it_is_often_next_to_silent(stock: Stock) -> None:
    quiet = 0
    for scene in lone(stock):
        blocks = scene.sound[: len(scene.sound) // 800 * 800].reshape(-1, 800)
        rms = np.sqrt(np.mean(blocks**2, axis=1))
        quiet += float(np.quantile(rms, 0.2)) < 0.01 * float(rms.max())
    assert quiet > COUNT // 4


def test_a_part_of_training_is_lone(stock: Stock) -> None:
    always = replace(stock, shares=StockShares(lone=1.0))
    alone = make_scene(always, np.random.default_rng(6), 30)
    builder = LoneSceneBuilder(stock, np.random.default_rng(6), 30)
    assert not np.array_equal(alone.sound, make_scene(stock, np.random.default_rng(6), 30).sound)
    assert len(builder.build().sound) == len(alone.sound)


def test_what_people_say_alone_is_heard_where_the_bank_has_it(stock: Stock) -> None:
    def keys(known: Stock) -> set[str]:
        return {h.key for scene in lone(known) for h in scene.happenings}

    other = SpeechBank([item for item in stock.bank.items() if item[0] != ISOLATED])
    without = replace(stock, bank=other)
    assert ISOLATED not in keys(without)
    natural = SpeechBank([(ISOLATED, said("okay"))])
    assert ISOLATED in keys(replace(without, natural=natural))
    assert ISOLATED in keys(stock)


def test_a_few_words_are_cut_at_their_ends() -> None:
    whole = said("the", "old", "piano", "was", "sold")
    for seed in range(20):
        part = few_words(whole, np.random.default_rng(seed))
        assert part.text in whole.text
        assert 1 <= len(part.text.split()) <= 3
        assert part.word_ends[-1][1] == len(part.pcm)
        assert abs(int(part.pcm[0])) < 100, "a click"
        assert abs(int(part.pcm[-1])) < 100, "a click"
        first = whole.text.split().index(part.text.split()[0])
        assert part.phones[5] == first


@pytest.mark.parametrize("words", [("help", "me"), ("goodbye", "goodbye")])
def test_no_piece_asks_for_anything(words: tuple[str, ...]) -> None:
    whole = said(*words)
    for seed in range(20):
        part = few_words(whole, np.random.default_rng(seed))
        assert part is whole or part.text not in spoken_prompts()


def test_talk_without_known_words_stays_whole() -> None:
    whole = replace(said("one", "two"), word_ends=())
    assert few_words(whole, np.random.default_rng(1)) is whole


def test_natural_voices_say_their_share(stock: Stock) -> None:
    natural = SpeechBank([(UNRELATED, said("it", "rains"))])
    rng = np.random.default_rng(3)
    mixed = replace(stock, natural=natural, shares=StockShares(natural=0.5))
    voices = [mixed.utterance(UNRELATED, rng).voice for _ in range(200)]
    assert 60 < voices.count("a voice") < 140
    never = replace(mixed, shares=StockShares(natural=0.0))
    assert "a voice" not in {never.utterance(UNRELATED, rng).voice for _ in range(50)}

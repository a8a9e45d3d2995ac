from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.nano.random_scene import make_scene
from interject.training.nano.recorded_stock import (
    BACKGROUND,
    MIMIC,
    RECORDED_TALK,
    SOUND,
    SPEECH,
    SPEECH_RMS,
    UNCLEAR,
    RecordedStock,
)
from interject.training.nano.scene import Scene, Stock, Style
from interject.training.nano.stock_shares import Ablation, StockShares
from interject.training.sounds.catalogue import CLASSES
from interject.training.speech.phones import UNKNOWN_PHONE

if TYPE_CHECKING:
    from interject.training.speech.utterance import Pcm

ONLY = StockShares(recorded=1.0)


def tone(hz: float, seconds: float, silence_s: float = 0.0) -> Pcm:
    """Silence at both ends."""
    count = int(seconds * SAMPLE_RATE_HZ)
    wave = np.sin(2 * np.pi * hz * np.arange(count) / SAMPLE_RATE_HZ)
    return np.pad(np.round(wave * 12_000).astype(np.int16), int(silence_s * SAMPLE_RATE_HZ))


@pytest.fixture
def recorded() -> RecordedStock:
    return RecordedStock.of(
        [
            (SOUND, "thunder", tone(110, 1.0, silence_s=0.5)),
            (SOUND, "siren", tone(700, 9.0)),
            (SOUND, "bark", tone(400, 2.0)),
            (SOUND, "explosion", tone(90, 1.0)),
            (SPEECH, "prompts", tone(250, 2.5, silence_s=0.2)),
            (BACKGROUND, "rain", tone(1_500, 6.0)),
        ]
    )


def scenes(stock: Stock, style: Style, count: int = 12) -> list[Scene]:
    return [make_scene(stock, np.random.default_rng(n), 40, style) for n in range(count)]


def pitch_hz(sound: np.ndarray[tuple[int], np.dtype[np.float32]]) -> float:
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(np.argmax(spectrum)) * SAMPLE_RATE_HZ / len(sound)


def test_silence_at_the_ends_is_left_out_so_that_labels_lie_at_the_ends(
    recorded: RecordedStock,
) -> None:
    assert len(recorded.sounds["thunder"][0]) == pytest.approx(SAMPLE_RATE_HZ, rel=0.01)
    assert len(recorded.backgrounds[0]) == 6 * SAMPLE_RATE_HZ


def test_of_a_long_sound_the_beginning_is_heard_and_of_one_that_goes_on_any_piece() -> None:
    rising = np.linspace(2_000, 12_000, 9 * SAMPLE_RATE_HZ).astype(np.int16)
    stock = RecordedStock.of([(SOUND, label, rising) for label in ("siren", "crash")])
    crashes = [stock.sound("crash", np.random.default_rng(n)) for n in range(20)]
    sirens = [stock.sound("siren", np.random.default_rng(n)) for n in range(20)]
    assert {len(wave) for wave in crashes} == {4 * SAMPLE_RATE_HZ}
    assert len({float(wave[8_000]) for wave in crashes}) == 1
    assert all(1.5 <= len(wave) / SAMPLE_RATE_HZ <= 4 for wave in sirens)
    assert len({float(wave[8_000]) for wave in sirens}) > 10
    for wave in (*crashes, *sirens):
        assert np.abs(wave).max() == pytest.approx(0.6, rel=0.01)
        assert abs(float(wave[-1])) < 0.01, "it would end with a click"


def test_what_is_answered_or_unclear_is_no_ordinary_sound(recorded: RecordedStock) -> None:
    rng = np.random.default_rng(1)
    drawn = [recorded.ordinary(rng) for _ in range(50)]
    assert {label for label, _ in filter(None, drawn)} == {"thunder", "bark", MIMIC}
    assert recorded.ordinary(rng, without="bark") is not None
    assert {"groan", "gasp", "scream", "explosion", "breaking"} <= UNCLEAR
    nothing = RecordedStock.of([(SOUND, label, tone(90, 1.0)) for label in UNCLEAR])
    assert nothing.ordinary(rng) is None


def test_what_is_counted_is_one_of_it(recorded: RecordedStock) -> None:
    assert not recorded.has("bark"), "two seconds of barking would be counted as one"
    assert RecordedStock.of([(SOUND, "bark", tone(400, 0.3))]).has("bark")


def test_talk_is_as_loud_as_other_speech_and_a_pause_stays_one(recorded: RecordedStock) -> None:
    rng = np.random.default_rng(1)
    waves = [recorded.talk(rng, short=True) for _ in range(20)]
    assert all(wave is not None and 0.15 < len(wave) / SAMPLE_RATE_HZ < 1.25 for wave in waves)
    whole = RecordedStock.of([(SPEECH, "a", np.concatenate([tone(200, 1), tone(200, 3) // 40]))])
    levels = []
    for _ in range(40):
        wave = whole.talk(rng, short=True)
        assert wave is not None
        levels.append(float(np.sqrt(np.mean(wave**2))))
    assert min(levels) < 0.1 * SPEECH_RMS < SPEECH_RMS < max(levels)
    assert RecordedStock.of([]).talk(rng) is None


def test_recorded_talk_wants_no_reply_and_teaches_no_phones(
    stock: Stock, recorded: RecordedStock
) -> None:
    heard = 0
    for scene in scenes(replace(stock, recorded=recorded, shares=ONLY), Style.UNRELATED):
        assert all(h.reply is None for h in scene.happenings)
        for happening in scene.happenings:
            if happening.key == RECORDED_TALK:
                middle = (happening.start + happening.end) // 2 // 640
                assert scene.phones[middle] == UNKNOWN_PHONE
                heard += 1
    assert heard > 10


def test_a_recorded_alarm_is_answered_and_marked_where_it_sounds(
    stock: Stock, recorded: RecordedStock
) -> None:
    """A piece of 1.5 to 4 s of it, played slower or faster."""
    found = 0
    for scene in scenes(replace(stock, recorded=recorded, shares=ONLY), Style.MIXED, count=40):
        for happening in scene.happenings:
            if happening.key == "siren" and happening.reply is not None:
                column = scene.active[:, CLASSES.index("siren")]
                assert column[(happening.start + happening.end) // 2 // 640] == 1
                found += (happening.end - happening.start) / SAMPLE_RATE_HZ > 1.5
    assert found > 4


def test_a_sound_without_a_class_is_heard_and_marks_none(stock: Stock) -> None:
    thunder = RecordedStock.of([(SOUND, "thunder", tone(110, 1.0))])
    heard = 0
    for scene in scenes(replace(stock, recorded=thunder, shares=ONLY), Style.UNRELATED):
        for happening in scene.happenings:
            if happening.key == "thunder":
                heard += 1
                assert happening.reply is None
                assert not scene.active[(happening.start + happening.end) // 2 // 640].any()
    assert heard > 10


def test_a_recorded_background_lies_under_everything(stock: Stock) -> None:
    rain = RecordedStock.of([(BACKGROUND, "rain", tone(1_500, 6.0))])
    whole = replace(stock, recorded=rain, shares=ONLY)
    under = sum(
        abs(pitch_hz(scene.sound[:1_200]) - 1_500) < 30 for scene in scenes(whole, Style.LONE, 30)
    )
    assert under > 8


@pytest.mark.parametrize("style", list(Style))
def test_an_ablation_hears_no_recording(
    stock: Stock, recorded: RecordedStock, style: Style
) -> None:
    never = replace(stock, recorded=recorded, shares=ONLY.without([Ablation.RECORDED]))
    for with_them, plain in zip(scenes(never, style), scenes(stock, style), strict=True):
        keys = {h.key for h in with_them.happenings}
        assert not keys & {RECORDED_TALK, "thunder"}
        assert with_them.chunks == plain.chunks


@pytest.mark.parametrize("style", list(Style))
def test_one_seed_is_one_stream(stock: Stock, recorded: RecordedStock, style: Style) -> None:
    shares = StockShares(shouted=0.5, lone=0.5, line=0.5)
    whole = replace(stock, recorded=recorded, shares=shares)
    first, second = (make_scene(whole, np.random.default_rng(4), 30, style) for _ in range(2))
    assert np.array_equal(first.sound, second.sound)
    assert first.happenings == second.happenings


def test_two_recordings_of_one_class_may_sound_together(stock: Stock) -> None:
    both = RecordedStock.of([(SOUND, "crash", tone(hz, 1.5)) for hz in (600, 2_500)])
    heard = replace(stock, recorded=both, shares=ONLY)
    together = 0
    for seed in range(40):
        spectrum = np.abs(np.fft.rfft(heard.sound("crash", np.random.default_rng(seed)), 64_000))
        hz = np.arange(len(spectrum)) / 4
        low, high = (spectrum[(hz > f * 0.75) & (hz < f * 1.3)].max() for f in (600, 2_500))
        together += min(low, high) > 0.1 * max(low, high)
    assert 4 < together < 36


def test_after_a_recorded_crash_pieces_of_recordings_may_come_down(stock: Stock) -> None:
    heard = replace(
        stock, recorded=RecordedStock.of([(SOUND, "crash", tone(600, 0.5))]), shares=ONLY
    )
    lengths_s = [
        len(heard.sound("crash", np.random.default_rng(seed))) / SAMPLE_RATE_HZ
        for seed in range(40)
    ]
    longer = sum(length > 0.7 for length in lengths_s)
    assert 4 < longer < 36
    assert max(lengths_s) < 3.5

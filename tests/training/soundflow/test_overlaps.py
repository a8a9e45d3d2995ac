from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interject.model_runtime.protocol import FRAME_S, FRAME_SAMPLES
from interject.training.soundflow.levels import decibels_of, power
from interject.training.soundflow.stream_layout import foreground, with_pause
from interject.training.soundflow.tfjp import PUBLISHED
from interject.training.sounds.catalogue import make_sound
from interject.training.streams.ability import Ability
from interject.training.streams.span import Layer, StreamSpan
from tests.fakes.tone_voice import ToneVoice
from tests.training.soundflow.compositions import PLAIN, composer

if TYPE_CHECKING:
    from interject.training.streams.stream import TrainingStream

quick = settings(max_examples=30, deadline=None)
LONG = {"pace": {"rounds": [5, 5], "waits_share": 1}}
QUIET = {"barge_in": 0, "backchannel": 0, "pause": 0, "cross_talk": 0}


def streams(
    kind: str, *, echo: float = 1.0, ability: Ability = Ability.VOICE_CHAT
) -> list[TrainingStream]:
    made = composer(
        None, ability,
        **{**PLAIN, **LONG, "overlaps": {**QUIET, kind: 1}, "own_voice": {"share": echo}},
    )  # fmt: skip
    return [made.make(number, 1) for number in range(3)]


def of(stream: TrainingStream, layer: Layer, label: str = "") -> list[StreamSpan]:
    return [s for s in stream.spans if s.layer is layer and label in s.label]


def is_on_grid(seconds: float) -> bool:
    return round(seconds * 16_000) % FRAME_SAMPLES == 0


def test_who_barges_in_begins_on_the_grid_and_the_agent_stops() -> None:
    interrupted = 0
    for stream in streams("barge_in"):
        voices = of(stream, Layer.OWN_VOICE)
        for turn in stream.turns[1:]:
            over = [v for v in voices if v.start_s < turn.start_s < v.end_s]
            for voice in over:
                interrupted += 1
                assert is_on_grid(turn.start_s)
                assert voice.end_s <= turn.start_s + 0.41
                assert not voice.words or voice.words[-1].end_s <= voice.end_s
                assert voice.text == " ".join(word.text for word in voice.words)
    assert interrupted >= 5


def test_without_an_echo_people_barge_in_all_the_same() -> None:
    for stream in streams("barge_in", echo=0.0):
        assert not of(stream, Layer.OWN_VOICE)
        assert any(is_on_grid(turn.start_s) for turn in stream.turns[1:])


def test_a_backchannel_falls_into_the_reply_and_is_not_answered() -> None:
    found = 0
    for stream in streams("backchannel"):
        voices = of(stream, Layer.OWN_VOICE)
        for turn in stream.turns:
            if turn.scene_type == "backchannel":
                assert turn.is_silent
                during = [v for v in voices if v.start_s < turn.start_s < v.end_s]
                found += len(during)
                assert all(is_on_grid(turn.start_s) for _ in during)
    assert found >= 5


def test_a_pause_inside_a_sentence_is_waited_for() -> None:
    paused = 0
    for stream in streams("pause", echo=0.0):
        for span, turn in zip(of(stream, Layer.SPEECH), stream.turns, strict=True):
            gaps = np.diff([word.end_s for word in span.words])
            long = gaps[gaps > FRAME_S]
            paused += len(long)
            assert len(long) <= 1
            assert turn.end_s == span.end_s
            for gap in long:
                assert (gap - 0.25) / FRAME_S == pytest.approx(
                    round((gap - 0.25) / FRAME_S), abs=1e-6
                )
    assert paused >= 5


def test_cross_talk_is_quieter_begins_on_the_grid_and_is_no_turn() -> None:
    found = 0
    for stream in streams("cross_talk", echo=0.0):
        for span in of(stream, Layer.SPEECH, "cross-talk"):
            found += 1
            assert is_on_grid(span.start_s)
            assert span.speaker == "other"
            turn = next(t for t in stream.turns if t.start_s <= span.start_s < t.end_s)
            assert span.text not in turn.user
    assert found >= 5


def test_the_agent_hears_itself_quieter_than_people() -> None:
    made = composer(
        None, Ability.VOICE_CHAT, **{**PLAIN, **LONG, "own_voice": {"share": 1}},
        layers={"speaker_db": [0, 0]},
    )  # fmt: skip
    composition = made.compose(0, 1)
    tracks, spans = composition.mix.layers, composition.stream.spans
    levels = {}
    for layer in (Layer.SPEECH, Layer.OWN_VOICE):
        own = [span for span in spans if span.layer is layer]
        first = own[0]
        assert {span.speaker for span in own} == {"agent" if layer is Layer.OWN_VOICE else "user"}
        piece = tracks[layer][round(first.start_s * 16_000) : round(first.end_s * 16_000)]
        levels[layer] = decibels_of(power(piece))
    assert -30.1 < levels[Layer.OWN_VOICE] - levels[Layer.SPEECH] < -9.9
    answered = [turn for turn in composition.stream.turns if turn.assistant]
    assert [span.text for span in spans if span.layer is Layer.OWN_VOICE] == [
        turn.assistant for turn in answered
    ]


def test_where_all_speech_is_answered_nobody_talks_by_the_way() -> None:
    for stream in streams("cross_talk", ability=Ability.REAL_TIME_ASR):
        assert {span.label for span in of(stream, Layer.SPEECH)} == {"speech"}


@quick
@given(words=st.integers(2, 12), word=st.integers(0, 10), samples=st.integers(1, 32_000))
def test_a_pause_moves_what_comes_after_it_and_nothing_else(
    words: int, word: int, samples: int
) -> None:
    said = ToneVoice(200).say(" ".join(["word"] * words))
    word = min(word, words - 2)
    wave, timed = with_pause(said.pcm, said.words, word, samples)
    assert len(wave) == len(said.pcm) + samples
    cut = round(said.words[word].end_s * 16_000)
    assert not wave[cut : cut + samples].any()
    late = [new.end_s - old.end_s for new, old in zip(timed, said.words, strict=True)]
    assert late == pytest.approx([0.0] * (word + 1) + [samples / 16_000] * (words - word - 1))


def test_tfjp_cleans_the_foreground_but_takes_no_steady_sound_away() -> None:
    rng = np.random.default_rng(1)
    recording = 0.003 * rng.standard_normal(64_000).astype(np.float32)
    bark = make_sound("bark", rng)
    recording[24_000 : 24_000 + len(bark)] += bark
    assert len(foreground(recording, PUBLISHED, 0.25)) < 30_000
    beep = np.sin(2 * np.pi * 900 * np.arange(16_000) / 16_000).astype(np.float32)
    assert power(foreground(beep, PUBLISHED, 0.25)) > 0.9 * power(beep)

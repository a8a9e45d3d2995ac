from __future__ import annotations

import pickle
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from interject.model_runtime.protocol import FRAME_S, FRAME_SAMPLES
from interject.training.soundflow.composer import Composer
from interject.training.soundflow.composer_settings import ComposerSettings
from interject.training.soundflow.gap_texture import GapTexture
from interject.training.soundflow.levels import HEADROOM, decibels_of, power
from interject.training.soundflow.procedural_library import ProceduralLibrary
from interject.training.soundflow.silence_audit import AuditLabel
from interject.training.soundflow.tfjp import PUBLISHED
from interject.training.streams.ability import Ability
from interject.training.streams.span import Layer
from interject.training.streams.stream_source import DiscardedStream
from interject.training.streams.turn import response_chunk
from tests.fakes.tone_voice import GAP_S, WORD_S, ToneVoice
from tests.training.soundflow.compositions import PLAIN, TEXTS, composer

if TYPE_CHECKING:
    from interject.training.soundflow.sound_library import SoundClip
    from interject.training.sounds.waves import Rng
    from interject.training.speech.speech_voice import SpokenText

few = settings(max_examples=6, deadline=None)
numbers = st.integers(0, 10_000)
COMPOSER = composer()


@few
@given(number=numbers)
@example(number=1447)  # whose loudest sample was scaled to just above the bound
def test_a_stream_is_whole_and_its_labels_lie_inside_it(number: int) -> None:
    """That turns are in order and inside, and replies one a chunk, the type itself checks."""
    stream = COMPOSER.make(number, 7)
    assert len(stream.sound) % FRAME_SAMPLES == 0
    assert np.abs(stream.sound).max() <= HEADROOM
    assert stream.turns
    assert all(span.source for span in stream.spans)
    assert pickle.loads(pickle.dumps(stream)).spans == stream.spans
    last = [turn.response_chunk for turn in stream.turns if turn.response_chunk is not None]
    assert last[-1] < stream.chunks
    assert stream.duration_s < 200


@few
@given(number=numbers)
def test_noise_has_the_signal_to_noise_ratio_that_was_drawn(number: int) -> None:
    mix = COMPOSER.compose(number, 3).mix
    signal = power(mix.signal, mix.active)
    for noise, (low, high) in zip(mix.noises, ((5, 20), (10, 25)), strict=True):
        measured = decibels_of(signal) - decibels_of(power(noise.wave, mix.active))
        assert measured == pytest.approx(noise.snr_db, abs=0.1)
        assert low <= noise.snr_db <= high
        assert power(noise.wave, ~mix.active) > 0


@few
@given(number=numbers)
def test_sound_is_where_its_span_says_and_nowhere_else(number: int) -> None:
    made = composer(None, **{**PLAIN, "layers": {"background_a_minute": [0, 0]}})
    composition = made.compose(number, 5)
    for layer in (Layer.SPEECH, Layer.FOREGROUND):
        track = composition.mix.layers[layer]
        covered = np.zeros(len(track), np.bool_)
        for span in composition.stream.spans:
            if span.layer is layer:
                first, last = round(span.start_s * 16_000), round(span.end_s * 16_000)
                assert power(track[first:last]) > 1e-6
                covered[first:last] = True
        assert not track[~covered].any()


@few
@given(number=numbers, lag_ms=st.integers(0, 400))
def test_an_answer_comes_in_the_chunk_in_which_its_turn_and_the_lag_end(
    number: int, lag_ms: int
) -> None:
    lag_s = lag_ms / 1_000
    made = composer(None, **{**PLAIN, "labels": {"decision_lag_s": [lag_s, lag_s]}})
    for turn in made.make(number, 2).turns:
        if turn.response_chunk is not None:
            assert turn.response_chunk == response_chunk(turn.end_s, decision_lag_s=lag_s)
            assert turn.response_chunk * FRAME_S < turn.end_s + lag_s
            assert turn.end_s + lag_s <= (turn.response_chunk + 1) * FRAME_S + 1e-4


def test_a_stream_depends_on_its_two_numbers_alone() -> None:
    first = COMPOSER.make(4, 1)
    COMPOSER.make(5, 1)
    again = pickle.loads(pickle.dumps(COMPOSER)).make(4, 1)
    assert (again.turns, again.spans) == (first.turns, first.spans)
    assert np.array_equal(again.sound, first.sound)
    other = COMPOSER.make(4, 2)
    assert other.turns != first.turns
    assert other.stream_id == first.stream_id != COMPOSER.make(5, 1).stream_id


@pytest.mark.parametrize("ability", Ability)
def test_every_ability_is_composed(ability: Ability) -> None:
    made = composer(None, ability, **PLAIN)
    for number in range(3):
        stream = made.make(number, 1)
        assert stream.ability is ability
        assert any(turn.assistant for turn in stream.turns)


def test_a_transcript_has_the_words_of_each_chunk_in_it() -> None:
    stream = composer(None, Ability.REAL_TIME_ASR, **PLAIN).make(0, 1)
    spoken = [span for span in stream.spans if span.layer is Layer.SPEECH]
    assert stream.turns[0].user == spoken[0].text
    words = [word for span in spoken[1:] for word in span.words]
    replies = stream.turns[1:]
    assert " ".join(turn.assistant for turn in replies) == " ".join(word.text for word in words)
    assert " ".join(word.text for word in words) == " ".join(span.text for span in spoken[1:])
    for turn in replies:
        inside = [word for word in words if turn.start_s < word.end_s <= turn.end_s + 1e-4]
        assert " ".join(word.text for word in inside) == turn.assistant
        assert turn.end_s - inside[0].end_s < FRAME_S
        assert len(inside) <= FRAME_S / (WORD_S + GAP_S) + 1


def test_a_stitched_source_is_translated_while_it_goes_on() -> None:
    made = composer(None, Ability.TRANSLATION, **PLAIN)
    streams = [made.make(number, 1) for number in range(8)]
    stitched = [s for s in streams if len([p for p in s.spans if p.layer is Layer.SPEECH]) == 2]
    native = [s for s in streams if s not in stitched]
    assert stitched
    assert native
    for stream in stitched:
        source = [span for span in stream.spans if span.layer is Layer.SPEECH][1]
        parts = stream.turns[1:]
        assert " ".join(turn.user for turn in parts) == source.text
        assert len(parts) > 2
        ends = [word.end_s for word in source.words]
        assert all(min(abs(turn.end_s - end) for end in ends) < 1e-4 for turn in parts)
        assert (parts[0].response_chunk or 0) * FRAME_S < source.end_s - 1


def test_alarms_are_answered_and_what_is_borderline_is_never_heard() -> None:
    meanings = ProceduralLibrary().meanings
    assert {m.audit.label for m in meanings.values()} == set(AuditLabel)
    for number in range(6):
        stream = composer(None, Ability.PROACTIVE, **PLAIN).make(number, 1)
        heard = {span.label: span for span in stream.spans if span.layer is Layer.FOREGROUND}
        assert all(meanings[label].audit.label is not AuditLabel.BORDERLINE for label in heard)
        for turn in stream.turns:
            label = next((m for m in meanings.values() if m.name == turn.user), None)
            wants = label is not None and label.audit.label is AuditLabel.RESPOND
            assert bool(turn.assistant) is wants


def test_nothing_that_means_something_is_heard_by_the_way() -> None:
    made = composer(
        None, Ability.STREAMING_INSTRUCTION, **PLAIN, layers={"background_a_minute": [20, 20]}
    )
    for number in range(6):
        spans = made.make(number, 1).spans
        meant = {span.label for span in spans if span.layer is Layer.FOREGROUND}
        by_the_way = [span for span in spans if span.layer in (Layer.BACKGROUND, Layer.NOISE)]
        assert any(span.layer is Layer.BACKGROUND for span in by_the_way)
        assert not [span for span in by_the_way if span.label.split(": ")[-1] in meant]


def test_what_is_around_is_the_only_ambience_and_goes_on_in_the_gaps() -> None:
    made = composer(None, Ability.ENVIRONMENT_AGENT, **PLAIN)
    names = {meaning.name: meaning.label for meaning in ProceduralLibrary().meanings.values()}
    for number in range(4):
        composition = made.compose(number, 1)
        asked = [t for t in composition.stream.turns if t.scene_type == "surroundings"]
        bed = names[asked[0].assistant.removeprefix("I hear ").removesuffix(".")]
        spans = composition.stream.spans
        assert {span.label for span in spans if span.layer is Layer.AMBIENT} == {bed}
        noises = {span.label for span in spans if span.layer is Layer.NOISE}
        assert [label for label in noises if "ambient" in label] == [f"ambient noise: {bed}"]
        assert composition.mix.texture is GapTexture.PUBLISHED


def test_what_is_waited_for_comes() -> None:
    made = composer(None, Ability.STREAMING_INSTRUCTION, **PLAIN)
    watching = [
        turns for number in range(12)
        if (turns := made.make(number, 1).turns)[0].scene_type == "watch_for"
    ]  # fmt: skip
    assert watching
    assert all(turns[-1].assistant == f"I hear {turns[-1].user}." for turns in watching)


@pytest.mark.parametrize("texture", GapTexture)
def test_a_gap_has_the_texture_that_was_asked_for(texture: GapTexture) -> None:
    made = composer(
        None, Ability.VOICE_CHAT, **PLAIN, noise={"gap_textures": {texture: 1.0}},
        layers={"background_a_minute": [0, 0]},
    )  # fmt: skip
    composition = made.compose(0, 1)
    mix = composition.mix
    assert mix.texture is texture
    ends = [turn.end_s for turn in composition.stream.turns]
    first = round((ends[0] + 0.35) * 16_000)
    gap = composition.stream.sound[
        first : round(composition.stream.turns[1].start_s * 16_000) - 1_600
    ]
    depth_db = decibels_of(power(mix.signal, mix.active)) - decibels_of(
        power(mix.bed[first : first + len(gap)])
    )
    assert len(gap) > 800
    if texture is GapTexture.DIGITAL_ZERO:
        assert not gap.any()
    elif texture is GapTexture.HISS:
        assert 44 < depth_db < 66
    elif texture is GapTexture.NOISE:
        assert depth_db > 12
    else:
        assert depth_db < 30


class _Clipped:
    """A library whose sounds nobody should learn from."""

    meanings = ProceduralLibrary().meanings

    def draw(self, label: str, rng: Rng) -> SoundClip:
        clip = ProceduralLibrary().draw(label, rng)
        return replace(clip, wave=np.clip(clip.wave * np.float32(50), -1, 1))


def test_a_stream_with_a_clipped_sound_is_discarded() -> None:
    made = composer(None, Ability.PROACTIVE, **PLAIN)
    spoiled = Composer(_Clipped(), made.pick_voice, TEXTS, made.settings)
    with pytest.raises(DiscardedStream, match=r"^unusable sound$"):
        spoiled.make(0, 1)


class _Offset(ToneVoice):
    def say(self, text: str, attempt: int = 0) -> SpokenText:
        said = super().say(text)
        return replace(said, pcm=said.pcm + np.float32(0.3))


def test_a_voice_that_is_off_centre_is_put_right() -> None:
    made = replace(composer(None, Ability.VOICE_CHAT), pick_voice=lambda rng: _Offset(200))
    layers = made.compose(1, 1).mix.layers
    assert abs(layers[Layer.SPEECH].mean()) < 0.01 * layers[Layer.SPEECH].std()


def test_the_published_numbers_are_the_defaults() -> None:
    defaults = ComposerSettings()
    assert defaults.noise.snr1_db == defaults.noise.snr2_db == (5.0, 20.0)
    assert defaults.noise.snr2_more_db == 5
    assert defaults.layers.gains_db == (0.0, -6.0, -12.0)
    mix_ins = defaults.mix_ins
    assert (mix_ins.history_review, mix_ins.silence, mix_ins.proactive) == (0.3, 0.4, 0.3)
    assert defaults.tfjp == PUBLISHED
    assert sum(defaults.abilities.values()) == pytest.approx(100)


@pytest.mark.parametrize(
    ("group", "content", "says"),
    [
        ("noise", {"snr1_db": [20, 5]}, "the first number is larger"),
        ("noise", {"gap_textures": {"babble": 1}}, "'published', 'noise'"),
        ("telephone", {"codecs": {"mulaw": 0}}, "one weight at least"),
        ("telephone", {"loss": [0, 0.9]}, "beyond 0.5"),
        ("telephone", {"burst_packets": [0, 2]}, "begins below 1"),
        ("mix_ins", {"silence": 1.5}, "less than or equal to 1"),
        ("pace", {"rounds": [0, 3]}, "greater than or equal to 1"),
        ("room", {"walls": 4}, "Extra inputs"),
        ("tfjp", {"k": 0}, "k 0: must be above 0"),
        ("tfjp", {"kk": 3}, "kk\n.*Unexpected"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(
    group: str, content: dict[str, object], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        ComposerSettings.model_validate({group: content})

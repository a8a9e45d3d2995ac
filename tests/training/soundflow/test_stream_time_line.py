"""The mixer serves whoever places sounds without a script."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from interject.model_runtime.protocol import FRAME_SAMPLES, Emotion
from interject.training.soundflow.composer_settings import ComposerSettings
from interject.training.soundflow.procedural_library import ProceduralLibrary
from interject.training.soundflow.stream_mixer import StreamMixer
from interject.training.soundflow.stream_time_line import HeardSound, StreamTimeLine
from interject.training.sounds.catalogue import make_sound
from interject.training.streams.ability import Ability
from interject.training.streams.span import Layer, SoundSource
from interject.training.streams.stream import TrainingStream


def test_sounds_are_placed_answered_and_mixed_without_a_script() -> None:
    rng = np.random.default_rng(1)
    line = StreamTimeLine(lag_s=0.2, free=4_000)
    for number in range(3):
        wave = make_sound("beep", rng)
        source = SoundSource("mine.wav", "CC0-1.0", hashlib.sha256(wave.tobytes()).hexdigest())
        sound = HeardSound(
            Layer.FOREGROUND, "beep", line.free + 8_000, wave, -6.0, "desk", source=source
        )
        line.heard.append(sound)
        reply = "It beeps." if number != 1 else ""
        line.turn(sound.start, sound.end, "a beep", reply, Emotion.URGENT, "beep")
    laid_out = line.finished(tail=6_400)
    mixer = StreamMixer(ComposerSettings(), ProceduralLibrary(), rng, meant={"beep"})
    mix = mixer.mix(laid_out)
    stream = TrainingStream("mine-1", Ability.PROACTIVE, mix.sound, laid_out.turns, mix.spans, 1)
    assert [bool(turn.assistant) for turn in stream.turns] == [True, False, True]
    assert stream.chunks * FRAME_SAMPLES == laid_out.samples
    assert len([span for span in stream.spans if span.layer is Layer.FOREGROUND]) == 3


@pytest.mark.parametrize(("end", "lag_s", "chunk"), [
    (6_400, 0.0, 0), (6_401, 0.0, 1), (12_800, 0.0, 1), (6_400, 0.2, 1), (3_200, 0.2, 0),
    (3_201, 0.2, 1),
])  # fmt: skip
def test_an_answer_belongs_to_the_chunk_that_its_end_and_lag_complete(
    end: int, lag_s: float, chunk: int
) -> None:
    line = StreamTimeLine(lag_s=lag_s)
    line.turn(0, end, "a beep", "It beeps.")
    assert line.turns[0].response_chunk == chunk
    assert line.free == (chunk + 1) * FRAME_SAMPLES
    assert line.finished(tail=0).samples == (chunk + 1) * FRAME_SAMPLES


def test_a_time_line_is_whole_chunks_and_holds_its_last_sound() -> None:
    line = StreamTimeLine()
    line.heard.append(HeardSound(Layer.SPEECH, "speech", 100, np.ones(6_400, np.float32), 0, "me"))
    assert line.finished(tail=0).samples == 2 * FRAME_SAMPLES
    assert line.finished(tail=6_301).samples == 3 * FRAME_SAMPLES

"""The shipped model, through the engine, on sound made here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.model_runtime.checkpoint import load_checkpoint
from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.protocol import FRAME_SAMPLES, LOOKAHEAD_SAMPLES
from interject.training.nano.evaluation import LATEST_CHUNKS, GivenReply, listen
from interject.training.nano.language import RESPOND_REPLIES
from interject.training.nano.scene import ALARM_HEARD_S, Scene
from interject.training.sounds.catalogue import CLASSES, make_sound
from interject.training.speech.espeak import Espeak

if TYPE_CHECKING:
    from interject.training.sounds.waves import Wave

FIRST = 8_000
"""The sample with which the first part of a stream begins."""


pytestmark = pytest.mark.numerics


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(load_checkpoint("nano"), slots=1)


@pytest.fixture(scope="module")
def espeak() -> Espeak:
    return Espeak()


def speech(espeak: Espeak, text: str) -> Wave:
    pcm = espeak.speak(text, "en-us", words_per_min=155, pitch=50).pcm
    return pcm.astype(np.float32) / np.float32(65_536)


def stream(*parts: Wave, gap_s: float = 1.2, chunks: int | None = None) -> tuple[Scene, list[int]]:
    """Parts with pauses between them over faint noise, and the chunk in which each ends."""
    rng = np.random.default_rng(11)
    at, ends, placed = FIRST, [], []
    for part in parts:
        placed.append((at, part))
        ends.append((at + len(part)) // FRAME_SAMPLES)
        at += len(part) + int(gap_s * 16_000)
    count = chunks or at // FRAME_SAMPLES + 1
    sound = 0.0015 * rng.standard_normal(count * FRAME_SAMPLES + LOOKAHEAD_SAMPLES)
    for start, part in placed:
        sound[start : start + len(part)] += part
    tracks = np.zeros((count * 10, len(CLASSES)), np.uint8)
    return Scene(sound.astype(np.float32), [], tracks[:, 0].astype(np.int8), tracks), ends


def near(replies: list[GivenReply], chunk: int) -> list[str]:
    return [said.text for said in replies if chunk <= said.chunk <= chunk + LATEST_CHUNKS]


@pytest.mark.parametrize("kind", ["smoke_alarm", "siren"])
def test_it_warns_within_two_chunks_of_the_end_or_of_two_seconds(engine: Engine, kind: str) -> None:
    sound = make_sound(kind, np.random.default_rng(5), held_out=True) * np.float32(0.4)
    scene, ends = stream(sound)
    replies, _ = listen(engine, scene)
    known = (FIRST + int(ALARM_HEARD_S * 16_000)) // FRAME_SAMPLES
    assert near(replies, min(ends[0], known)) == [RESPOND_REPLIES[kind][0]]


def test_it_answers_a_cry_for_help(engine: Engine, espeak: Espeak) -> None:
    scene, ends = stream(speech(espeak, "somebody help me!"))
    replies, _ = listen(engine, scene)
    assert near(replies, ends[0]) == ["I hear a cry for help! Are you hurt?"]


def test_it_leaves_noise_alone(engine: Engine) -> None:
    scene, _ = stream(chunks=50)
    assert listen(engine, scene)[0] == []


@pytest.mark.parametrize(
    ("asked", "reply"),
    [
        ("what is two plus two", "Two plus two is four."),
        ("how do i reset my password", "Open the settings and choose reset password."),
        ("play the intro music", "Playing the intro music now."),
        ("please stop listening", "I will stop listening."),
    ],
)
def test_it_answers_what_it_knows(engine: Engine, espeak: Espeak, asked: str, reply: str) -> None:
    scene, ends = stream(speech(espeak, asked))
    replies, _ = listen(engine, scene)
    assert near(replies, ends[0]) == [reply]


def test_it_counts_beeps_only_when_asked_to(engine: Engine, espeak: Espeak) -> None:
    beeps = [make_sound("beep", np.random.default_rng(3)) * np.float32(0.4) for _ in range(4)]
    scene, _ = stream(*beeps)
    assert listen(engine, scene)[0] == []
    scene, _ = stream(speech(espeak, "count the beeps"), *beeps)
    said = [reply.text for reply in listen(engine, scene)[0]]
    assert said == ["Counting the beeps.", "One.", "Two.", "Three.", "Four."]


def test_it_tells_which_sound_it_heard(engine: Engine, espeak: Espeak) -> None:
    sound = make_sound("telephone", np.random.default_rng(2)) * np.float32(0.4)
    scene, ends = stream(sound, speech(espeak, "what was that sound"))
    replies, _ = listen(engine, scene)
    assert near(replies, ends[1]) == ["That was a telephone."]

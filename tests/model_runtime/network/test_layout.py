"""The order of steering tokens, sound and text."""

from __future__ import annotations

import pytest

from interject.model_runtime.network.architecture import CHUNK_CONTROLS, TowerShape
from interject.model_runtime.network.layout import TokenLayout
from interject.model_runtime.protocol import Emotion

LAYOUT = TokenLayout()


def test_a_stream_begins_with_mode_language_and_system_prompt() -> None:
    assert LAYOUT.online_prefix([5, 6]) == [151609, 151611, 151644, 151644, 5, 6, 151643]


def test_a_clip_is_followed_by_the_question_and_an_open_answer() -> None:
    assert LAYOUT.offline_prompt([5], [6, 7], audio_slots=3) == [
        *[151610, 151611, 151644, 151644, 5, 151643],
        *[151647, 151646, 151646, 151646, 151648],
        *[151601, 151644, 6, 7, 151643],
        *[151602, 151644],
    ]


def test_a_chunk_has_thirteen_positions() -> None:
    head = LAYOUT.chunk_head(LAYOUT.keep_silence)
    assert head == [151605, 151647]
    assert len(head) + len([LAYOUT.assistant]) == CHUNK_CONTROLS
    assert TowerShape().chunk_positions == CHUNK_CONTROLS + 10 == 13
    assert LAYOUT.chunk_head(None) == [151647]


@pytest.mark.parametrize("emotion", Emotion)
def test_every_emotion_has_its_token(emotion: Emotion) -> None:
    token = LAYOUT.emotions[emotion]
    assert 151614 <= token <= 151619
    assert LAYOUT.emotion_of(token) is emotion
    assert LAYOUT.is_banned(token)


def test_typed_text_cannot_steer() -> None:
    assert LAYOUT.text_only([5, 151643, 151644, 151601, 151648, 6, 151935]) == [5, 6]
    assert not LAYOUT.is_banned(LAYOUT.text_end)


@pytest.mark.parametrize(
    ("vocabulary", "name"), [(151_936, None), (151_649, None), (151_648, "audio_end"), (0, "user")]
)
def test_ids_outside_a_vocabulary_are_named(vocabulary: int, name: str | None) -> None:
    assert LAYOUT.first_outside(vocabulary) == name


def test_emotions_outside_a_vocabulary_are_named() -> None:
    odd = TokenLayout(emotions={Emotion.HAPPY: 3, Emotion.URGENT: -1})
    assert odd.first_outside(151_936) == "emotions.urgent"

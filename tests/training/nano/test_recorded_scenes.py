from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from interject.agent.sound_file import as_flac
from interject.training.nano.language import INTENTS, RESPOND_REPLIES, spoken_prompts
from interject.training.nano.recorded_scenes import (
    PlayedSound,
    alone,
    answered_sounds,
    backgrounds,
    ordinary_sounds,
    request_replies,
    request_sounds,
    speech_sounds,
    streams,
    talk_sounds,
)
from interject.training.nano.speech_bank import NEAR_MISS, SpeechBank
from interject.training.recordings.collection import RecordingCollection, write_index
from interject.training.recordings.recording import CollectedRecording
from interject.training.speech.utterance import Utterance

if TYPE_CHECKING:
    from pathlib import Path

    from interject.training.sounds.waves import Wave


def tone(seconds: float, hz: float = 440.0, level: float = 0.3) -> Wave:
    time_s = np.arange(int(seconds * 16_000)) / 16_000
    return (np.sin(2 * np.pi * hz * time_s) * level).astype(np.float32)


def collection(folder: Path, *rows: dict[str, Any]) -> RecordingCollection:
    """Tones of the `seconds` that a row says."""
    known = []
    for number, row in enumerate(rows):
        given = {
            "file": f"toys/{number}.flac", "source": "toys", "licence": "CC0", "credit": "Ann",
            "use": "evaluate", "kind": "sound", "label": "bell", "seconds": 1.0, **row,
        }  # fmt: skip
        recording = CollectedRecording.model_validate(given)
        (folder / "toys").mkdir(parents=True, exist_ok=True)
        wave = tone(recording.seconds, 200.0 + number)
        (folder / recording.file).write_bytes(as_flac(wave))
        known.append(recording)
    write_index(folder, known)
    return RecordingCollection.open(folder)


def speech(source: str, seconds: float, **changed: Any) -> dict[str, Any]:
    return {"source": source, "kind": "speech", "label": "word", "seconds": seconds, **changed}


def bank() -> SpeechBank:
    said = [*spoken_prompts().items()][:40]
    items = [(key, utterance(text)) for text, key in said]
    return SpeechBank([*items, (NEAR_MISS, utterance("what did you eat"))])


def utterance(text: str) -> Utterance:
    pcm = (tone(0.8) * 32_767).astype(np.int16)
    return Utterance(text, "voice", pcm, np.zeros(41, np.int8))


def test_speech_is_drawn_from_all_sources_and_a_small_one_is_taken_whole(tmp_path: Path) -> None:
    known = collection(
        tmp_path,
        *[speech("large", 1.0)] * 12,
        *[speech("small", 1.0)] * 2,
        speech("small", 1.0, label="asks"),
        speech("small", 1.0, use="train"),
    )
    drawn = [sound.source for sound in speech_sounds(known, minutes=0.1)]
    assert (drawn.count("large"), drawn.count("small")) == (4, 2)
    assert len(list(speech_sounds(known, minutes=None))) == 14


def test_what_is_answered_what_is_not_and_what_is_unclear_are_kept_apart(tmp_path: Path) -> None:
    known = collection(
        tmp_path,
        {"label": "glass"},
        {"label": "door"},
        {"label": "scream"},
        {"label": "rain", "kind": "background", "seconds": 30.0},
        {"label": "siren", "use": "train"},
        speech("toys", 1.0),
    )
    assert [s.key for s in ordinary_sounds(known, unclear=False)] == ["door", "rain"]
    assert [s.key for s in ordinary_sounds(known, unclear=True)] == ["scream"]
    (glass,) = answered_sounds(known)
    assert glass.reply is not None
    assert glass.reply.text == RESPOND_REPLIES["glass"][0]
    rain = list(ordinary_sounds(known, unclear=False))[1]
    assert len(rain.wave) == 20 * 16_000
    assert [len(wave) for wave in backgrounds(known)] == [30 * 16_000]


def test_a_stream_is_of_one_source_with_pauses_and_each_sound_where_it_says() -> None:
    sounds = [PlayedSound("a", "word", tone(2.0))] * 40 + [PlayedSound("b", "word", tone(2.0))]
    made = list(streams(sounds))
    assert [len(scene.happenings) for scene in made] == [31, 9, 1]
    for scene in made:
        assert len(scene.sound) == scene.chunks * 6_400 + 40
        for before, after in zip(scene.happenings, scene.happenings[1:], strict=False):
            assert 8_000 <= after.start - before.end <= 48_000
            pause = scene.sound[before.end : after.start]
            heard = scene.sound[after.start : after.end]
            assert float(np.abs(pause).max()) < 0.01
            assert 0.02 < float(np.sqrt(np.mean(heard**2))) < 0.15


def test_the_same_streams_are_made_every_time() -> None:
    sounds = [PlayedSound("a", "word", tone(2.0))] * 3
    (one,), (other,) = streams(sounds), streams(sounds)
    np.testing.assert_array_equal(one.sound, other.sound)


def test_a_sound_that_comes_again_comes_at_another_moment() -> None:
    starts = [scene.happenings[0].start for scene in alone([PlayedSound("a", "x", tone(1.0))] * 3)]
    assert len(set(starts)) == 3


@pytest.mark.parametrize("snr_db", [20.0, 10.0])
def test_a_background_lies_so_many_decibels_below(snr_db: float) -> None:
    sound = PlayedSound("a", "x", tone(1.0))
    (clean,) = alone([sound])
    (over,) = alone([sound], [tone(7.0, 100.0)], snr_db)
    (happening,) = clean.happenings
    speech_power = np.mean(clean.sound[happening.start : happening.end] ** 2)
    noise_power = np.mean((over.sound - clean.sound) ** 2)
    assert 10 * np.log10(speech_power / noise_power) == pytest.approx(snr_db, abs=0.5)


def test_requests_know_their_reply_and_what_depends_on_the_past_is_left_out() -> None:
    wanted = request_replies()
    assert wanted[INTENTS[0].key].text == INTENTS[0].reply
    assert wanted["count_bark"].text == "Counting the barks."
    assert "what_sound" not in wanted
    asked = request_sounds(bank(), 10)
    assert len(asked) == 10
    assert all(sound.reply is not None and sound.reply.key == sound.key for sound in asked)
    assert [sound.key for sound in talk_sounds(bank(), 10)] == [NEAR_MISS]

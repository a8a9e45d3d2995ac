from __future__ import annotations

import json
import wave
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from interject.training.soundflow.recording import Recording
from interject.training.soundflow.texts.text_set import RemarkText, TextFileError, read_texts
from interject.training.streams.ability import Ability
from interject.training.streams.span import Layer
from tests.fakes.tone_voice import ToneVoice
from tests.training.soundflow.compositions import PLAIN, composer

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "hand me the wrench over there please"


def record(path: Path, text: str = TEXT, *, gain: float = 0.5) -> None:
    """Half a second of nothing before it and a whole one behind, with a little noise."""
    said = ToneVoice(200).say(text).pcm
    noise = 0.001 * np.random.default_rng(1).standard_normal(len(said) + 24_000)
    sound = noise + np.pad(said, (8_000, 16_000))
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes((np.clip(gain * sound, -1, 1) * 32_767).astype("<i2").tobytes())


def write(folder: Path, *texts: dict[str, Any]) -> Path:
    path = folder / "mine.jsonl"
    path.write_text("".join(json.dumps(text) + "\n" for text in texts), encoding="utf-8")
    return path


def spoken(**changed: Any) -> dict[str, Any]:
    own = {"recording": "a.wav", "licence": "CC0-1.0"}
    return {"kind": "transcript", "text": TEXT, **own, **changed}


def test_a_recording_is_heard_from_its_first_word_to_its_last(tmp_path: Path) -> None:
    record(tmp_path / "a.wav")
    said = Recording(tmp_path / "a.wav", "CC0-1.0").say(TEXT)
    assert said.duration_s == pytest.approx(ToneVoice(200).say(TEXT).duration_s, abs=0.05)
    assert [word.text for word in said.words] == TEXT.split()
    assert (said.source.name, said.source.licence, said.skipped) == ("a.wav", "CC0-1.0", ())


def test_a_transcript_stream_has_what_was_recorded(tmp_path: Path) -> None:
    record(tmp_path / "a.wav")
    made = composer(None, Ability.REAL_TIME_ASR, **PLAIN)
    texts = read_texts(write(tmp_path, spoken()))
    stream = type(made)(made.library, made.pick_voice, texts, made.settings).make(0, 1)
    own = [span for span in stream.spans if span.source and span.source.name == "a.wav"]
    assert own
    assert all(span.layer is Layer.SPEECH and span.text == TEXT for span in own)
    replies = " ".join(turn.assistant for turn in stream.turns if turn.scene_type == "asr")
    assert TEXT in replies


def test_recordings_are_drawn_with_their_share(tmp_path: Path) -> None:
    record(tmp_path / "a.wav")
    remark = spoken(kind="remark")
    texts = read_texts(write(tmp_path, remark, {"kind": "remark", "text": "not now"}))
    drawn = [texts.draw(RemarkText, np.random.default_rng(seed)) for seed in range(400)]
    share = sum(bool(text.recording) for text in drawn) / 400
    assert share == pytest.approx(0.3, abs=0.07)
    alone = read_texts(write(tmp_path, remark))
    assert alone.draw(RemarkText, np.random.default_rng(1)).recording == "a.wav"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (spoken(licence=" "), "line 1.*a recording needs a licence"),
        (spoken(recording="../a.wav"), "line 1.*inside the folder"),
        (spoken(recording="no.wav"), r"no\.wav: there is no such file"),
        (spoken(recording="loud.wav"), r"loud\.wav: clipped"),
        (spoken(recording="silent.wav"), r"silent\.wav: is silent"),
        ({"kind": "chat", "turns": [
            {"user": "a", "assistant": "b", "recording": "a.wav", "licence": "CC0-1.0"},
            {"user": "c", "assistant": "d"},
        ]}, "line 1.*all turns are recorded, or none"),
    ],
)  # fmt: skip
def test_a_recording_that_cannot_be_used_is_named(
    tmp_path: Path, text: dict[str, Any], says: str
) -> None:
    record(tmp_path / "a.wav")
    record(tmp_path / "loud.wav", gain=30)
    record(tmp_path / "silent.wav", gain=0)
    with pytest.raises(TextFileError, match=says):
        read_texts(write(tmp_path, text))

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from interject.training.speech.piper_voice import PiperModel
from interject.training.speech.utterance import SynthesisError
from tests.fakes.piper import RATE_HZ, piper_folder

if TYPE_CHECKING:
    from pathlib import Path


def test_a_voice_of_piper_reads_phonemes_with_pads_between(tmp_path: Path) -> None:
    model = PiperModel(piper_folder(tmp_path / "voice"))
    assert (model.name, model.rate_hz) == ("tiny", RATE_HZ)
    wave = model.speak("yes", 1.0)
    levels = wave.reshape(-1, 1_000)[:, 0]
    assert levels[0] == pytest.approx(0.01), "the beginning"
    assert levels[-1] == pytest.approx(0.02), "the end"
    assert not levels[1:-1:2].any(), "a pad before each phoneme and before the end"
    assert levels[2:-1:2].all()
    with pytest.raises(SynthesisError, match="without phonemes"):
        model.speak(" ", 1.0)


def test_a_folder_without_one_voice_is_named(tmp_path: Path) -> None:
    with pytest.raises(SynthesisError, match="must hold one voice of Piper"):
        PiperModel(tmp_path)
    (tmp_path / "x.onnx.json").write_text("{}")
    with pytest.raises(SynthesisError, match="is no voice of Piper"):
        PiperModel(tmp_path)

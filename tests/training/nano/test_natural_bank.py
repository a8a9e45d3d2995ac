from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.training.fine_tuning.failure import TrainingFailure
from interject.training.nano.natural_bank import multiplied, read_natural
from interject.training.nano.speech_bank import OWN, UNRELATED, SpeechBank
from interject.training.speech.utterance import Utterance

if TYPE_CHECKING:
    from pathlib import Path


def said(text: str) -> Utterance:
    """Half a second of a buzz."""
    t = np.arange(8_000)
    pcm = (6_000 * np.sign(np.sin(t / 16)) * np.sin(t / 2_600)).astype(np.int16)
    return Utterance(text, "kokoro one", pcm, np.full(26, 3, np.int8), (("it", 3_000),))


def test_everybody_is_heard_as_others_too_with_the_times_moved() -> None:
    bank = multiplied([(UNRELATED, said("it rains"))], seed=1, others=3)
    assert len(bank) == 4
    assert np.array_equal(bank[0].pcm, said("it rains").pcm)
    for number in range(1, 4):
        other = bank[number]
        assert other.voice == "kokoro one, changed"
        assert other.text == "it rains"
        assert 0.8 < len(other.pcm) / 8_000 < 1.25
        assert other.word_ends[0][1] == pytest.approx(3_000 * len(other.pcm) / 8_000, rel=0.02)
    assert len({len(bank[number].pcm) for number in range(4)}) == 4


def test_the_agents_own_voice_stays_what_it_is() -> None:
    bank = multiplied([(OWN + "Noted.", said("noted"))], seed=1, others=2)
    assert len(bank) == 1


def test_several_files_are_one_bank_and_the_same_each_time(tmp_path: Path) -> None:
    paths = [tmp_path / "a.npz", tmp_path / "b.npz"]
    for path in paths:
        SpeechBank([(UNRELATED, said(path.stem))]).save(path)
    first, again = (read_natural(paths, seed=5) for _ in range(2))
    assert len(first) == 6
    assert {first[number].text for number in range(6)} == {"a", "b"}
    assert all(np.array_equal(first[n].pcm, again[n].pcm) for n in range(6))


def test_a_file_that_is_no_bank_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(TrainingFailure, match=r"none\.npz: no such file"):
        read_natural([tmp_path / "none.npz"], seed=1)
    broken = tmp_path / "broken.npz"
    broken.write_bytes(b"PK nothing")
    with pytest.raises(TrainingFailure, match="is no bank of speech"):
        read_natural([broken], seed=1)
    np.savez(tmp_path / "other.npz", pcm=np.zeros(3, np.int16))
    with pytest.raises(TrainingFailure, match="is no bank of speech"):
        read_natural([tmp_path / "other.npz"], seed=1)

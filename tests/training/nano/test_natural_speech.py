from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from interject.training.nano.isolated import FOREIGN_WORDS
from interject.training.nano.language import spoken_prompts
from interject.training.nano.natural_speech import grow_bank, main
from interject.training.nano.natural_voices import KokoroReader, PiperReader
from interject.training.nano.speech_bank import ISOLATED, NEAR_MISS, OWN, UNRELATED, SpeechBank
from interject.training.nano.speech_plan import (
    PlannedUtterance,
    examination_plan,
    training_plan,
)
from interject.training.speech.kokoro_speakers import HELD_OUT, KokoroCast
from interject.training.speech.kokoro_voice import KokoroModel
from interject.training.speech.phones import UNKNOWN_PHONE
from interject.training.speech.utterance import SynthesisError
from tests.fakes.kokoro import kokoro_folder
from tests.fakes.piper import piper_folder

if TYPE_CHECKING:
    from pathlib import Path

APP = typer.Typer(rich_markup_mode=None)
APP.command()(main)
TALK, REQUESTS = {NEAR_MISS, UNRELATED, ISOLATED}, set(spoken_prompts().values())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return kokoro_folder(tmp_path_factory.mktemp("kokoro") / "timed")


@pytest.fixture(scope="module")
def voices(folder: Path) -> KokoroReader:
    model = KokoroModel(folder)
    return KokoroReader(model, KokoroCast(model, held_out=False))


def test_any_beginning_of_the_plan_is_half_requests_of_every_kind() -> None:
    wordings = len(spoken_prompts())
    planned = list(islice(training_plan(1), 2 * wordings))
    asked = [one.text for one in planned if one.key in REQUESTS]
    assert len(asked) == pytest.approx(wordings, abs=10)
    assert len(set(asked)) >= wordings - 10, "each once before any comes again"
    for first in range(0, len(planned) - 40, 40):
        keys = [one.key for one in planned[first : first + 40]]
        assert 18 <= sum(key in REQUESTS for key in keys) <= 22
        assert set(keys) >= TALK
        assert any(key.startswith(OWN) for key in keys)


def test_a_plan_goes_on_as_it_began() -> None:
    assert list(islice(training_plan(1), 60))[40:] == list(islice(training_plan(1), 40, 60))
    assert examination_plan(1) == examination_plan(1)


def test_no_text_of_a_test_that_is_drawn_is_one_of_training_s() -> None:
    drawn = {one.seed for one in examination_plan(1)}
    assert not drawn & {one.seed for one in islice(training_plan(1), 1_000)}


def test_the_examination_asks_every_wording_once() -> None:
    planned = examination_plan(1, talk=5)
    asked = {one.text: one.key for one in planned if one.key not in TALK}
    assert asked == spoken_prompts()
    assert len(planned) == len(asked) + 15


def test_a_natural_voice_says_what_is_planned_with_phones_and_words(voices: KokoroReader) -> None:
    said = voices.say(PlannedUtterance("count_beep", "count the beeps", "!", "", "1 0"))
    assert (said.text, said.voice.split()[0]) == ("count the beeps", "kokoro")
    assert [word for word, _ in said.word_ends] == ["count", "the", "beeps"]
    assert UNKNOWN_PHONE not in said.phones[:-1]
    assert said.word_ends[-1][1] <= len(said.pcm)


def test_words_that_espeak_draws_together_are_aligned_by_energy(voices: KokoroReader) -> None:
    said = voices.say(PlannedUtterance("order", "my order has not arrived", ".", "", "1 1"))
    assert [word for word, _ in said.word_ends] == ["my", "order", "has", "not", "arrived"]


def test_another_language_has_no_labels(voices: KokoroReader) -> None:
    said = voices.say(PlannedUtterance(ISOLATED, FOREIGN_WORDS["fr-fr"][0], "", "fr-fr", "1 2"))
    assert (said.voice, said.word_ends) == ("kokoro ff_siwis", ())
    assert set(said.phones) == {UNKNOWN_PHONE}


def test_a_bank_that_was_stopped_goes_on_and_is_whole_after_every_portion(
    voices: KokoroReader, tmp_path: Path
) -> None:
    path, plan, portions = tmp_path / "bank.npz", examination_plan(2, talk=0)[:10], iter([0, 0, 1])
    sizes: list[int] = []

    def note(_: SpeechBank) -> None:
        sizes.append(len(SpeechBank.load(path)))

    grow_bank(path, plan, voices.say, is_over=lambda: bool(next(portions)), report=note, portion=4)
    assert sizes == [4, 8]
    grow_bank(path, plan, voices.say, is_over=lambda: False, report=note, portion=4)
    assert sizes == [4, 8, 10]
    bank, whole = SpeechBank.load(path), [voices.say(planned) for planned in plan]
    assert [bank[n].text for n in range(10)] == [said.text for said in whole]
    assert all(np.array_equal(bank[n].pcm, said.pcm) for n, said in enumerate(whole))


def test_a_file_that_is_no_bank_is_not_grown(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "bank.npz"
    out.write_bytes(b"something else")
    result = CliRunner().invoke(APP, ["--kokoro", str(folder), "--out", str(out)])
    assert result.exit_code == 2
    assert "bank.npz: is no bank of speech" in " ".join(result.output.split())
    assert out.read_bytes() == b"something else"


def test_the_command_makes_a_bank_of_held_out_voices(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "test.npz"
    asked = ["--kokoro", str(folder), "--voices", "test", "--out", str(out), "--talk", "0"]
    result = CliRunner().invoke(APP, asked)
    assert result.exit_code == 0, result.output
    bank = SpeechBank.load(out)
    assert f"{len(bank)} utterances" in result.output
    assert {bank[n].voice.removeprefix("kokoro ") for n in range(len(bank))} == set(HELD_OUT)


def test_a_voice_of_piper_makes_a_test(tmp_path: Path) -> None:
    out, folder = tmp_path / "test.npz", piper_folder(tmp_path / "voice")
    asked = ["--piper", str(folder), "--out", str(out), "--talk", "1"]
    result = CliRunner().invoke(APP, asked)
    assert result.exit_code == 0, result.output
    bank = SpeechBank.load(out)
    assert set(bank.groups) == {*spoken_prompts().values(), *TALK}
    assert {bank[n].voice for n in range(len(bank))} == {"piper tiny"}
    assert all(bank[n].word_ends for n in range(len(bank)))


def test_a_folder_without_one_voice_of_piper_is_named(tmp_path: Path) -> None:
    with pytest.raises(SynthesisError, match="holds no voice of Piper"):
        PiperReader(tmp_path)
    (tmp_path / "x.onnx").write_bytes(b"no model")
    (tmp_path / "x.onnx.json").write_text("{}")
    with pytest.raises(SynthesisError, match="is no configuration of a Piper voice"):
        PiperReader(tmp_path)


@pytest.mark.parametrize("folders", [[], ["--kokoro", "a", "--piper", "b"]])
def test_one_folder_has_to_be_named(folders: list[str], tmp_path: Path) -> None:
    result = CliRunner().invoke(APP, [*folders, "--out", str(tmp_path / "x.npz")])
    assert result.exit_code == 2
    assert "name one folder" in result.output


def test_an_empty_folder_is_one_line(tmp_path: Path) -> None:
    asked = ["--kokoro", str(tmp_path), "--out", str(tmp_path / "x.npz")]
    result = CliRunner().invoke(APP, asked)
    assert result.exit_code == 2
    assert "holds no Kokoro-82M" in " ".join(result.output.split())

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.model_runtime.checkpoint import random_model
from interject.training.bank.bank import BankPart, BankRecording
from interject.training.bank.bank_index import StoredRecording
from interject.training.fine_tuning.failure import TrainingFailure
from interject.training.nano.__main__ import main
from interject.training.nano.bank_examination import examine_with_bank, examined
from interject.training.nano.bank_stock import StockSize, bank_stock
from interject.training.nano.command_budget import CommandBudget
from interject.training.nano.random_scene import make_scene
from interject.training.nano.recipe import TRAINING_SHARES
from interject.training.nano.speech_bank import SpeechBank
from interject.training.nano.tokenizer import train_tokenizer

if TYPE_CHECKING:
    from pathlib import Path

    from interject.model_runtime.network.architecture import ModelConfig

SIZE = StockSize(sounds_a_class=2, rooms=2, others=1, pieces=2)


def recorded(kind: str, label: str) -> BankRecording:
    about = StoredRecording("a.flac", "source", "CC0-1.0", "-", kind, label, 9_000, 1.0, False)
    noise = np.random.default_rng(4).integers(-9_000, 9_000, 9_000).astype(np.int16)
    return BankRecording(about, noise)


def natural(bank: SpeechBank, *keys: str) -> SpeechBank:
    wanted = [(key, said) for key, said in bank.items() if not keys or key in keys]
    return SpeechBank([(key, replace(said, voice="kokoro a")) for key, said in wanted])


@pytest.fixture(scope="module")
def part(bank: SpeechBank) -> BankPart:
    sounds = (recorded("sound", "siren"), recorded("speech", "prompt"), recorded("sound", "door"))
    return BankPart(natural(bank, "help", "unrelated"), bank, sounds)


def test_any_number_of_processes_makes_the_same_stock(part: BankPart) -> None:
    one, two = (bank_stock(part, TRAINING_SHARES, 5, SIZE, processes) for processes in (1, 2))
    assert one.natural is not None
    assert two.natural is not None
    assert part.natural is not None
    assert len(one.natural) == 2 * len(part.natural)
    for number in range(len(one.natural)):
        assert np.array_equal(one.natural[number].pcm, two.natural[number].pcm)
    scenes = [make_scene(stock, np.random.default_rng(6), 30) for stock in (one, two)]
    assert np.array_equal(scenes[0].sound, scenes[1].sound)
    assert one.recorded is not None
    assert one.recorded.has("siren")


def test_scenes_are_made_of_natural_voices_alone(bank: SpeechBank) -> None:
    spoken = SpeechBank([(k, said) for k, said in natural(bank).items() if "own: " not in k])
    stock = bank_stock(BankPart(spoken, None, ()), TRAINING_SHARES, 5, SIZE, 1)
    for seed in range(20):
        assert make_scene(stock, np.random.default_rng(seed), 30).chunks == 30


def test_a_bank_that_lacks_a_request_is_one_line(bank: SpeechBank) -> None:
    with pytest.raises(TrainingFailure, match="nothing in the bank says 'abilities'"):
        bank_stock(BankPart(natural(bank, "help"), None, ()), TRAINING_SHARES, 5, SIZE, 1)


def test_the_examination_plays_what_is_held_out_until_time_is_over(
    part: BankPart, config: ModelConfig
) -> None:
    clips = list(examined(part))
    assert {clip.name for clip in clips} == {
        "requests, natural voices", "recorded alarms", "recorded speech", "recorded sound",
    }  # fmt: skip
    left = [False] * 3 + [True]
    model = random_model(config, seed=1, tokenizer=train_tokenizer())
    found = examine_with_bank(model, part, 1, lambda: left.pop(0))
    assert sum(result["minutes"] > 0 for result in found.values()) == len(found) > 0
    assert sum(result["wanted"] for result in found.values()) <= 3


def test_the_budget_is_that_of_the_whole_command() -> None:
    now = 100.0
    budget = CommandBudget(40.0, 540.0, lambda: now)
    assert budget.training_s() == pytest.approx(540 - 60 - 8 - 45)
    assert not budget.is_over()
    now = 40 + 540 - 8
    assert budget.is_over()
    with pytest.raises(TrainingFailure, match="reading the bank took 532 s"):
        budget.training_s()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--bank", "none.bank"], "none.bank: no such file"),
        (["--bank", "b", "--recordings", "r"], "--bank has all speech and recordings"),
        (["--device", "tpu"], "must be auto, cpu, cuda"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    words: list[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--out", str(tmp_path), *words]) == 2
    said = capsys.readouterr().err
    assert complaint in said
    assert said.count("\n") == 1

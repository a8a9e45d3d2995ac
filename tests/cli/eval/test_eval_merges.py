"""`interject eval merges`: one merge a share, evaluated on the same streams."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import torch
from safetensors.torch import load_file

from interject.model_runtime.checkpoint import random_model, save_native
from interject.training.dataset.item_writer import write_items
from tests.cli.eval.test_eval import one_line
from tests.model_runtime.worlds import small_model
from tests.training.streaming_benchmark.streams import stream

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Outcome

    Call = Callable[..., Outcome]


@pytest.fixture
def words(checkpoint: Path, tmp_path: Path) -> tuple[str, ...]:
    """Up to the options: a model, another of its shape, and two streams."""
    model = small_model()
    other = random_model(model.config, seed=7, tokenizer=model.tokenizer)
    save_native(other, tmp_path / "other")
    write_items([stream("a"), stream("b", asked=False)], tmp_path / "streams", "public")
    paths = (checkpoint, tmp_path / "other", tmp_path / "streams")
    return ("eval", "merges", *map(str, paths), "--device", "cpu")


def test_each_share_has_a_row_and_a_report(
    interject: Call, words: tuple[str, ...], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    outcome = interject(*words, "--out", str(out), "--alphas", "1,0")
    assert outcome.code == 0, outcome.err
    assert outcome.out.count("\n| 0 |") == outcome.out.count("\n| 1 |") == 1
    sweep = json.loads((out / "report.json").read_text())
    assert [each["alpha"] for each in sweep["alphas"]] == [0.0, 1.0]
    assert (out / "report.md").read_text() == outcome.out
    assert (out / "report.png").read_bytes().startswith(b"\x89PNG")
    ends = [json.loads((out / f"alpha-{end}" / "report.json").read_text()) for end in (0, 1)]
    assert ends[0]["streams"][0]["p_respond"] != ends[1]["streams"][0]["p_respond"]
    assert not (out / "alpha-0" / "model").exists()


def test_what_is_kept_is_the_model_that_was_heard(
    interject: Call, words: tuple[str, ...], checkpoint: Path, tmp_path: Path
) -> None:
    """The whole share of the first is the first. What random weights say is not compared: they
    magnify the last bits of a sum.
    """
    out = tmp_path / "out"
    assert interject(*words, "--out", str(out), "--alphas", "1", "--keep").code == 0
    kept = out / "alpha-1" / "model"
    merged, first = (load_file(folder / "model.safetensors") for folder in (kept, checkpoint))
    assert all(torch.equal(merged[name], tensor) for name, tensor in first.items())
    assert (kept / "merge.json").is_file()
    report = json.loads((out / "alpha-1" / "report.json").read_text())
    assert report["runtime"].startswith(f"embedded:{kept}")


@pytest.mark.parametrize("alphas", ["", "0;1", "0,2", "nan"])
def test_shares_that_are_none_are_one_clear_line(
    alphas: str, interject: Call, words: tuple[str, ...], tmp_path: Path
) -> None:
    outcome = interject(*words, "--out", str(tmp_path / "out"), f"--alphas={alphas}")
    one_line(outcome, "must be numbers from 0 to 1")

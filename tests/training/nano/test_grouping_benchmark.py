"""What trains nano both ways on the same streams, and what shows how they did."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from benchmarks.grouping import NANO, Pair
from benchmarks.grouping_table import result
from interject.model_runtime.checkpoint import load_checkpoint, save_native
from interject.training.nano.batch_maker import BatchMaker, Order
from interject.training.nano.options import NanoOptions
from tests.model_runtime.worlds import small_model

if TYPE_CHECKING:
    from pathlib import Path

    from interject.training.nano.scene import Stock

SCORE = {
    "precision": 0.5, "recall": 0.25, "exact_replies": 0.75, "mean_late_chunks": 0.5,
    "wanted": 8, "false_an_hour": 15.0,
}  # fmt: skip


def test_two_models_learn_from_one_batch(stock: Stock, tmp_path: Path) -> None:
    tokenizer = load_checkpoint(NANO).tokenizer
    assert tokenizer is not None
    pair = Pair(NanoOptions(out=tmp_path, minutes=2.0, start=NANO, threads=1), tokenizer)
    batch = BatchMaker(stock, pair.first.config, tokenizer, seed=3).make(Order(0, 1, 4))
    pair.learn(batch, spent_s=60.0)
    trainers = pair.trainers
    assert [one.config.tower.grouping for one in trainers.values()] == [1, 5]
    assert {(one.step, one.progress, one.heard_s) for one in trainers.values()} == {(1, 0.5, 1.6)}
    losses = [cost.losses["phone"] for cost in pair.costs.values()]
    assert losses[0] == losses[1]
    assert pair.told()["steps"] == 1


def test_both_are_shown_beside_each_other(tmp_path: Path) -> None:
    for grouping, recall in ((1, 0.25), (5, 0.125)):
        own = tmp_path / str(grouping)
        save_native(small_model(grouping=grouping), own / "model")
        scores = {"voices": {**SCORE, "recall": recall}}
        (own / "streams.json").write_text(json.dumps(scores))
    cost = {"step_cpu_s": 2.0}
    steps = {"steps": 3, "heard_h": 0.16, "of_grouping": {"1": cost, "5": cost}}
    (tmp_path / "steps.json").write_text(json.dumps(steps))
    shown = result(tmp_path)
    rows = {name: (one, other) for name, one, other in shown.rows}
    assert shown.columns == ["measure", "40 ms", "200 ms"]
    assert rows["positions of a chunk"] == ("13", "5")
    assert rows["a slot of 4,096 would hold"] == ("126 s", "328 s")
    assert rows["voices: recall, of 8"] == ("0.25", "0.12")
    assert rows["concurrent streams on this machine"] == ("not measured",) * 2
    assert shown.notes[0] == "Both learnt from 3 steps, 0.2 hours of sound."

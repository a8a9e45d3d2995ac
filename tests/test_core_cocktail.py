"""The parts of `benchmarks.core_cocktail`, without its training."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from benchmarks.cocktail_domain import REACT, TAKES, CocktailDomain, buzzer
from benchmarks.cocktail_examination import CocktailFigure, answered_rightly, said_wrongly, shown
from benchmarks.cocktail_kitchen import CocktailKitchen, CocktailTold
from benchmarks.core_cocktail import COLUMNS, DRAWN, FULL, KEYS, TINY, result, rows
from interject.model_runtime.checkpoint import load_checkpoint, resolve
from interject.training.domain.work_watch import WorkStopped, WorkWatch
from interject.training.streaming_benchmark.played_stream import (
    DueReply,
    HeardReply,
    PlayedStream,
)
from interject.training.streams.ability import Ability

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def domain(tmp_path: Path) -> CocktailDomain:
    return CocktailDomain.make(tmp_path / "domain", TINY.domain, smoke=True)


def kitchen(domain: CocktailDomain, folder: Path, *, stopped: bool = False) -> CocktailKitchen:
    told = CocktailTold()
    return CocktailKitchen(folder, domain, 2, 1, WorkWatch(told, lambda: stopped), told)


def played(*heard: HeardReply) -> PlayedStream:
    due = (
        DueReply(2, 1.0, "The gate is opening.", "open-the-gate"),
        DueReply(6, 2.5, "Two.", "number"),
    )
    return PlayedStream(
        id="a", ability=Ability.PROACTIVE, chunks=9, due=due, heard=heard, p_respond=(0.0,) * 9
    )


def test_no_take_is_another_one_and_some_are_held_out(domain: CocktailDomain) -> None:
    takes = domain.alone.reactions[REACT[0].name]
    assert len(takes.learnt) + len(takes.held_out) == TAKES
    assert len(takes.held_out) >= 4
    assert len({buzzer(number).tobytes() for number in range(TAKES)}) == TAKES
    assert all(0.15 < np.abs(buzzer(number)).max() < 1 for number in range(TAKES))


def test_only_one_of_both_data_sets_has_what_nano_knows(domain: CocktailDomain) -> None:
    assert not domain.alone.keeps_nano
    assert domain.among.keeps_nano
    assert domain.alone.digest() != domain.among.digest()
    assert domain.alone.reactions == domain.among.reactions


def test_right_is_in_time_and_word_for_word_and_the_rest_is_false() -> None:
    streams = [
        played(HeardReply(3, "The gate is opening."), HeardReply(6, "Three.")),
        played(HeardReply(5, "The gate is opening.")),
    ]
    right = answered_rightly(streams, lambda kind: kind == "open-the-gate")
    assert (right.value, right.counted) == (0.5, "1 of 2")
    assert 0 < right.low < 0.5 < right.high < 1
    false = said_wrongly(streams)
    assert false.counted == "1 in 0 min"
    assert false.value == pytest.approx(3_600 / (2 * 9 * 0.4))
    assert math.isnan(answered_rightly([], lambda kind: True).value)


def test_a_row_is_a_model_and_each_figure_a_cell(domain: CocktailDomain, tmp_path: Path) -> None:
    names = {*COLUMNS, *DRAWN}
    figures = {name: CocktailFigure(0.5, 0.25, 0.75, "1 of 2") for name in names}
    found = [(row, figures) for row in rows(kitchen(domain, tmp_path))]
    table = result(found, FULL)
    assert tuple(row.key for row, _ in found) == KEYS
    assert table.command.endswith("--folder DIR")
    assert result(found[:2], FULL).command.endswith("--folder DIR --only base high")
    assert {len(row) for row in table.rows} == {len(table.columns)}
    assert table.rows[0][2] == "50 [25, 75]: 1 of 2"
    assert len(table.series["high"]) == 3 * len(DRAWN)
    assert shown(CocktailFigure(0.126, 0.1, 0.2), digits=2) == "0.13 [0.10, 0.20]"


def test_a_merge_is_made_of_what_is_tuned_and_of_the_base(
    domain: CocktailDomain, tmp_path: Path
) -> None:
    tuned = tmp_path / "work" / "runs" / "high"
    tuned.mkdir(parents=True)
    (tuned / "model").symlink_to(resolve("nano"))
    merged = kitchen(domain, tmp_path / "work").merged(0.25)
    model, base = load_checkpoint(merged), load_checkpoint("nano")
    pairs = zip(model.decoder.parameters(), base.decoder.parameters(), strict=True)
    assert all(torch.equal(mine, theirs) for mine, theirs in pairs)


def test_who_stops_it_gets_no_half_model(domain: CocktailDomain, tmp_path: Path) -> None:
    with pytest.raises(WorkStopped):
        kitchen(domain, tmp_path, stopped=True).high()
    assert not (tmp_path / "runs" / "high" / "model").exists()

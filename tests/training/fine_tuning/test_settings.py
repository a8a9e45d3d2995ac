"""The paper's figures are the defaults, and the page shows every setting."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from interject.training.fine_tuning.settings import (
    LoraSettings,
    OptimiserSettings,
    TrainingRun,
    WatchSettings,
)

if TYPE_CHECKING:
    from interject.config.strict import StrictModel

PAGE = Path(__file__).parents[3] / "docs" / "training.md"
SHOWN_ELSEWHERE = {"model", "data", "out", "stage", "optimiser", "lora", "watch"}


def test_what_is_left_out_is_the_paper_s() -> None:
    run = TrainingRun(data="d", out="o")
    optimiser = run.optimiser
    assert (optimiser.beta1, optimiser.beta2, optimiser.eps) == (0.9, 0.95, 1e-8)
    assert (optimiser.weight_decay, optimiser.warm_up_share, optimiser.clip) == (0.01, 0.03, 1.0)
    assert (run.control_weight, run.most_chunks) == (1.0, 60)


def test_groups_fill_a_chunk() -> None:
    assert TrainingRun(data="d", out="o", grouping=5).grouping == 5
    with pytest.raises(ValidationError, match="`grouping` must be one of 1, 2, 5, 10"):
        TrainingRun(data="d", out="o", grouping=3)


@pytest.mark.parametrize("model", [TrainingRun, LoraSettings, OptimiserSettings, WatchSettings])
def test_the_page_has_every_setting(model: type[StrictModel]) -> None:
    section = PAGE.read_text(encoding="utf-8").partition("\n### Stages\n")[2].partition("\n### ")[0]
    shown = {name.rpartition(".")[2] for name in re.findall(r"`([a-z_0-9.]+)`", section)}
    assert set(model.model_fields) - shown - SHOWN_ELSEWHERE == set()

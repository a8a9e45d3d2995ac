"""The flag `grouping` on disk: who reads it, who never meets it, how a model comes to have it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import torch

from interject.model_runtime.checkpoint import (
    NANO,
    CheckpointError,
    fingerprint,
    load_checkpoint,
    read_config,
    save_native,
)
from interject.model_runtime.device_choice import DeviceChoice
from interject.model_runtime.loading import plan_model
from interject.model_runtime.protocol import RuntimeFailure
from interject.model_runtime.rounding import assert_same, tower_terms
from tests.model_runtime.worlds import small_model

if TYPE_CHECKING:
    from pathlib import Path


def test_a_grouped_checkpoint_comes_back_as_it_was(tmp_path: Path) -> None:
    model = small_model(grouping=5)
    save_native(model, tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["model"]["tower"]["grouping"] == 5
    loaded = load_checkpoint(tmp_path)
    assert loaded.config == model.config == read_config(tmp_path)
    assert fingerprint(loaded) == fingerprint(model)
    assert loaded.tower.grouping is not None
    assert model.tower.grouping is not None
    assert torch.equal(loaded.tower.grouping.weight, model.tower.grouping.weight)


def test_what_is_not_grouped_is_written_and_named_as_before_there_were_groups(
    tmp_path: Path,
) -> None:
    """Earlier versions refuse settings that they do not know, adapters other fingerprints."""
    nano = load_checkpoint("nano")
    save_native(nano, tmp_path, dtype=torch.bfloat16)
    assert (tmp_path / "config.json").read_bytes() == (NANO / "config.json").read_bytes()
    assert "grouping" not in repr(nano.config)
    assert not any("grouping" in name for name, _ in nano.tower.named_parameters())


def test_fingerprints_tell_groups_apart() -> None:
    models = [small_model(grouping=size) for size in (1, 2, 5, 10)]
    assert len({fingerprint(model) for model in models}) == 4


@pytest.mark.numerics
def test_a_model_is_put_into_groups_by_their_means(tmp_path: Path) -> None:
    """Twice is once. All other weights are the same, also those that are drawn anew."""
    save_native(small_model(), tmp_path)
    before, after = load_checkpoint(tmp_path), load_checkpoint(tmp_path, grouping=5)
    assert after.config == before.config.with_grouping(5)
    assert (before.config.tower.chunk_positions, after.config.tower.chunk_positions) == (13, 5)
    assert after.with_grouping(5) is after
    others = dict(after.tower.named_parameters())
    identity = others.pop("grouping.weight")
    assert torch.equal(identity, torch.eye(48))
    assert others.keys() == dict(before.tower.named_parameters()).keys()
    mel = torch.randn(3, 128, 40, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        means = before.tower(mel).unflatten(1, (2, 5)).mean(2)
        assert_same(after.tower(mel), means, terms=tower_terms(after.config.tower))
    drawn = [small_model(grouping=size).decoder.head.weight for size in (1, 5)]
    assert torch.equal(*drawn)


def test_groups_that_fill_no_chunk_are_refused(tmp_path: Path) -> None:
    save_native(small_model(), tmp_path)
    with pytest.raises(CheckpointError, match="must be one of 1, 2, 5, 10"):
        load_checkpoint(tmp_path, grouping=3)
    content = json.loads((tmp_path / "config.json").read_text())
    content["model"]["tower"]["grouping"] = 4
    (tmp_path / "config.json").write_text(json.dumps(content))
    with pytest.raises(CheckpointError, match=r"tower: .*must be one of 1, 2, 5, 10"):
        load_checkpoint(tmp_path)


def test_other_groups_than_a_model_has_are_refused(tmp_path: Path) -> None:
    save_native(small_model(grouping=5), tmp_path)
    with pytest.raises(CheckpointError, match="small groups by 5 already, not by 2"):
        load_checkpoint(tmp_path, grouping=2)


def test_a_grouped_checkpoint_without_its_layer_is_refused(tmp_path: Path) -> None:
    save_native(small_model(), tmp_path)
    content = json.loads((tmp_path / "config.json").read_text())
    content["model"]["tower"]["grouping"] = 5
    (tmp_path / "config.json").write_text(json.dumps(content))
    with pytest.raises(CheckpointError, match=r"tower\.grouping\.weight is missing"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize(("grouping", "least"), [(1, 56), (5, 24)])
def test_how_few_positions_suffice_follows_from_the_groups(
    grouping: int, least: int, tmp_path: Path
) -> None:
    save_native(small_model(grouping=grouping), tmp_path)
    assert plan_model(tmp_path, DeviceChoice("cpu", context=str(least))).context == least
    with pytest.raises(RuntimeFailure, match=f"takes at least {least} positions"):
        plan_model(tmp_path, DeviceChoice("cpu", context=str(least - 1)))

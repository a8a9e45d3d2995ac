"""LoRA, and what becomes of it: an adapter's folder, or weights with it merged in."""

from __future__ import annotations

import json
import runpy
import shutil
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from interject.model_runtime.checkpoint import (
    CheckpointError,
    fingerprint,
    load_checkpoint,
    read_config,
    save_native,
)
from interject.model_runtime.rounding import assert_same, decoder_terms
from interject.training.fine_tuning.lora import LoraLinear, add_lora, lora_layers, merge_lora
from interject.training.fine_tuning.settings import LoraSettings
from interject.training.sequences.hearing import DirectHearing
from interject.training.sequences.packed_model import PackedModel
from interject.training.sequences.packing import pack
from interject.training.sequences.sequence_writer import SequenceWriter
from tests.model_runtime.worlds import byte_tokenizer
from tests.training.fine_tuning.runs import a_run, base, go, some_streams

TINY = Path(__file__).parents[2] / "conformance" / "tiny_checkpoint.py"


def loss_of(model_folder: Path) -> torch.Tensor:
    model = load_checkpoint(model_folder)
    packed = PackedModel(model, DirectHearing(model.config))
    writer = SequenceWriter(model)
    with torch.no_grad():
        loss: torch.Tensor = packed(pack([writer.online(s) for s in some_streams(3)])).odds
    return loss


@pytest.mark.numerics
def test_lora_changes_nothing_at_first_and_merges_to_what_it_computes(tmp_path: Path) -> None:
    decoder = load_checkpoint(base(tmp_path)).decoder
    x = torch.randn(1, 7, decoder.shape.width, generator=torch.Generator().manual_seed(1))
    terms = decoder_terms(decoder.shape, 7)
    with torch.no_grad():
        before = decoder.forward_train(x)
        add_lora(decoder, LoraSettings(rank=3, alpha=6.0))
        assert torch.equal(decoder.forward_train(x), before)
        for _, layer in lora_layers(decoder):
            layer.lora_up.normal_(std=0.05)
        with_lora = decoder.forward_train(x)
        assert (with_lora - before).abs().max() > 0.01
        merge_lora(decoder)
    assert not any(isinstance(module, LoraLinear) for module in decoder.modules())
    assert_same(decoder.forward_train(x), with_lora, terms=terms)


@pytest.mark.numerics
def test_an_adapter_is_what_its_merged_model_is(tmp_path: Path) -> None:
    run = a_run(tmp_path, method="lora", lora={"rank": 4, "save": "both"}, steps=3)
    outcome = go(run)
    folder = tmp_path / "out"
    assert outcome.model == folder / "model"
    changes = load_file(folder / "adapter" / "adapter.safetensors")
    names = {name.rpartition(".")[2] for name in changes if name.startswith("decoder.")}
    assert names == {"lora_down", "lora_up"}
    assert {n for n in changes if n.startswith("tower.")} == {
        "tower.proj.weight",
        "tower.proj.bias",
    }
    assert torch.equal(loss_of(folder / "adapter"), loss_of(folder / "model"))
    assert not torch.equal(loss_of(folder / "adapter"), loss_of(base(tmp_path)))
    assert read_config(folder / "adapter") == read_config(base(tmp_path))


@pytest.mark.numerics
def test_an_adapter_puts_its_base_into_groups(tmp_path: Path) -> None:
    run = a_run(tmp_path, method="lora", lora={"rank": 4, "save": "both"}, steps=2, grouping=5)
    assert go(run).model is not None
    folder = tmp_path / "out"
    assert "tower.grouping.weight" in load_file(folder / "adapter" / "adapter.safetensors")
    assert torch.equal(loss_of(folder / "adapter"), loss_of(folder / "model"))
    grouped = read_config(base(tmp_path)).with_grouping(5)
    assert read_config(folder / "adapter") == read_config(folder / "model") == grouped


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    outcome = go(a_run(tmp_path, method="lora", steps=1))
    assert outcome.model is not None
    return outcome.model


def test_an_adapter_moves_with_its_base(adapter: Path, tmp_path: Path) -> None:
    expected = loss_of(adapter)
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    shutil.copytree(tmp_path / "base", moved / "base")
    shutil.copytree(adapter, moved / "out" / "adapter")
    shutil.rmtree(tmp_path / "base")
    assert torch.equal(loss_of(moved / "out" / "adapter"), expected)
    with pytest.raises(CheckpointError, match="base is not there"):
        load_checkpoint(adapter)


def test_an_adapter_of_other_weights_is_refused(adapter: Path, tmp_path: Path) -> None:
    other = load_checkpoint(tmp_path / "base")
    other.decoder.norm.weight.data += 1
    save_native(other, tmp_path / "base")
    with pytest.raises(CheckpointError, match="was made for other weights"):
        load_checkpoint(adapter)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 9}, "version 9, this Interject reads"),
        ({"scale": "much"}, "cannot be read as an adapter"),
        ({"base": "."}, "is an adapter too"),
    ],
)
def test_a_damaged_adapter_is_one_line(
    adapter: Path, change: dict[str, object], message: str
) -> None:
    path = adapter / "adapter.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(adapter)


def test_an_adapter_without_its_changes_is_one_line(adapter: Path) -> None:
    (adapter / "adapter.safetensors").write_bytes(b"half")
    with pytest.raises(CheckpointError, match="truncated or not a safetensors file"):
        load_checkpoint(adapter)
    (adapter / "adapter.safetensors").unlink()
    with pytest.raises(CheckpointError, match="the adapter is incomplete"):
        load_checkpoint(adapter)


def test_a_checkpoint_of_the_released_layout_is_fine_tuned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the released weights would be: LitGPT names, a pickled tower, 151,936 tokens."""
    released = tmp_path / "released"
    monkeypatch.setattr(sys, "argv", ["tiny_checkpoint.py", str(released), "--seed", "5"])
    runpy.run_path(str(TINY), run_name="__main__")
    byte_tokenizer().save(str(released / "tokenizer.json"))
    before = fingerprint(load_checkpoint(released))
    run = a_run(
        tmp_path, model=str(released), method="lora", lora={"rank": 2, "save": "both"}, steps=2,
        stage="instruction", learning_rate=1e-2, streams_per_step=2,
    )  # fmt: skip
    assert go(run).steps == 2
    assert fingerprint(load_checkpoint(released)) == before
    adapted = load_checkpoint(tmp_path / "out" / "adapter")
    assert fingerprint(adapted) != before
    merged = load_checkpoint(tmp_path / "out" / "model")
    assert fingerprint(merged) == fingerprint(adapted)
    assert merged.config.layout == adapted.config.layout

"""Two checkpoints become one: what is combined, what is kept, and what is refused."""

from __future__ import annotations

import json
import resource
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from interject.model_runtime.checkpoint import load_checkpoint, random_model, save_native
from interject.model_runtime.network.architecture import ModelConfig
from interject.training.merging.core_cocktail import merge
from interject.training.merging.error import MergeError
from tests.model_runtime.reference import DECODER as RELEASED_DECODER
from tests.model_runtime.reference import TOWER as RELEASED_TOWER
from tests.model_runtime.reference import (
    litgpt_tensors,
    reference_decoder,
    reference_tower,
    write_released,
)
from tests.model_runtime.worlds import small_model

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from interject.model_runtime.checkpoint import Model

CONFIG = small_model().config
TOWER = replace(RELEASED_TOWER, output=16)
DECODER = replace(
    RELEASED_DECODER, width=16, layers=1, heads=2, vocabulary=ModelConfig().decoder.vocabulary
)
CONTROL = sorted(CONFIG.layout.control_ids())
TEXT = [i for i in range(CONFIG.decoder.vocabulary) if i not in CONTROL]


def model(seed: int, config: ModelConfig = CONFIG) -> Model:
    return random_model(config, seed=seed, tokenizer=small_model().tokenizer)


@pytest.fixture
def first(tmp_path: Path) -> Path:
    save_native(model(1), tmp_path / "first")
    return tmp_path / "first"


@pytest.fixture
def second(tmp_path: Path) -> Path:
    save_native(model(2), tmp_path / "second")
    return tmp_path / "second"


def close(found: Tensor, expected: Tensor) -> bool:
    """But for the last bits of a sum."""
    return torch.allclose(found, expected, atol=1e-6)


def stored(folder: Path) -> dict[str, Tensor]:
    return load_file(folder / "model.safetensors")


def test_decoder_tensors_are_combined_and_what_hears_is_the_firsts(
    first: Path, second: Path, tmp_path: Path
) -> None:
    merge(first, second, tmp_path / "out", alpha=0.25)
    a, b, out = stored(first), stored(second), stored(tmp_path / "out")
    assert out.keys() == a.keys()
    for name, tensor in out.items():
        if name.startswith("tower."):
            assert torch.equal(tensor, a[name]), name
        elif name in ("decoder.embedding.weight", "decoder.head.weight"):
            assert torch.equal(tensor[CONTROL], a[name][CONTROL]), name
            assert close(tensor[TEXT], 0.25 * a[name][TEXT] + 0.75 * b[name][TEXT]), name
        else:
            assert close(tensor, 0.25 * a[name] + 0.75 * b[name]), name


def test_the_ends_of_alpha_are_exact(first: Path, second: Path, tmp_path: Path) -> None:
    merge(first, second, tmp_path / "all", alpha=1.0)
    merge(first, second, tmp_path / "none", alpha=0.0)
    a, b = stored(first), stored(second)
    assert all(torch.equal(tensor, a[name]) for name, tensor in stored(tmp_path / "all").items())
    none = stored(tmp_path / "none")
    assert torch.equal(none["decoder.layers.0.qkv.weight"], b["decoder.layers.0.qkv.weight"])
    assert torch.equal(none["decoder.head.weight"][CONTROL], a["decoder.head.weight"][CONTROL])


def test_the_result_loads_and_says_what_it_is(first: Path, second: Path, tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    out = tmp_path / "out"
    merge(first, second, out, dtype=torch.bfloat16, told=lambda *done: heard.append(done))
    loaded = load_checkpoint(out)
    assert loaded.config == CONFIG
    assert loaded.tokenizer is not None
    assert {tensor.dtype for tensor in stored(out).values()} == {torch.bfloat16}
    record = json.loads((out / "merge.json").read_text())
    assert (record["first"], record["second"], record["alpha"]) == (str(first), str(second), 0.5)
    assert record["kept_ids"] == len(CONTROL)
    assert heard[-1] == (size(out), size(out))


@pytest.mark.parametrize("whole", [True, False])
def test_released_layouts_are_merged_as_native_ones_are(whole: bool, tmp_path: Path) -> None:
    """The second in LitGPT's older order of q, k and v, with its tower or without."""
    tower = {name: tensor.clone() for name, tensor in reference_tower(TOWER).state_dict().items()}
    ours = litgpt_tensors(reference_decoder(DECODER, seed=1), DECODER)
    theirs = litgpt_tensors(reference_decoder(DECODER, seed=2), DECODER, interleaved=True)
    write_released(tmp_path / "a", tower, ours, decoder_shape=DECODER, tower_shape=TOWER)
    write_released(
        tmp_path / "b", tower, theirs, decoder_shape=DECODER, tower_shape=TOWER, shards=0
    )
    a, b = (load_checkpoint(tmp_path / name) for name in "ab")
    if not whole:
        shutil.rmtree(tmp_path / "b" / "qwen25OmniConfig")
        (tmp_path / "b" / "audiointeraction_ChunkwisedEncoder.pth").unlink()
    merge(tmp_path / "a", tmp_path / "b", tmp_path / "out", alpha=0.5)
    merged = load_checkpoint(tmp_path / "out")
    kept = sorted(ModelConfig().layout.control_ids())
    assert {151601, 151605, 151619, 151643, 151644, 151648} <= set(kept)
    other = b.decoder.state_dict()
    for name, tensor in merged.decoder.state_dict().items():
        expected = (a.decoder.state_dict()[name] + other[name]) / 2
        if name in ("embedding.weight", "head.weight"):
            expected[kept] = a.decoder.state_dict()[name][kept]
        assert close(tensor, expected), name
    for name, tensor in merged.tower.state_dict().items():
        assert torch.equal(tensor, a.tower.state_dict()[name]), name


def size(folder: Path) -> int:
    return sum(tensor.nbytes for tensor in stored(folder).values())


def refusal(first: Path, second: Path, out: Path, **options: Any) -> str:
    with pytest.raises(MergeError) as caught:
        merge(first, second, out, **options)
    assert "\n" not in str(caught.value)
    assert not out.exists()
    assert list(first.parent.glob(".*")) == []
    return str(caught.value)


def test_models_that_do_not_fit_are_refused(first: Path, tmp_path: Path) -> None:
    out, other = tmp_path / "out", tmp_path / "other"
    deeper = replace(CONFIG, decoder=replace(CONFIG.decoder, layers=3))
    save_native(model(2, deeper), other)
    assert "decoders differ in layers (2, 3)" in refusal(first, other, out)
    moved = replace(CONFIG, layout=replace(CONFIG.layout, keep_silence=CONFIG.layout.user))
    save_native(model(2, moved), other)
    assert "token ids differ in keep_silence" in refusal(first, other, out)
    save_native(replace(model(2), tokenizer=Tokenizer(WordLevel({"a": 5}, unk_token="a"))), other)
    assert "tokenizers differ at id 0" in refusal(first, other, out)


def test_a_slots_length_is_no_difference(first: Path, tmp_path: Path) -> None:
    save_native(model(2, CONFIG.with_context(64)), tmp_path / "other")
    merge(first, tmp_path / "other", tmp_path / "out")
    assert load_checkpoint(tmp_path / "out").config == CONFIG


def test_what_is_asked_wrongly_is_refused(first: Path, second: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert "between 0 and 1" in refusal(first, second, out, alpha=float("nan"))
    assert "there is no folder" in refusal(first, second, tmp_path / "gone" / "out")
    with pytest.raises(MergeError, match="not an empty folder"):
        merge(first, second, first)


def test_weights_that_are_no_numbers_are_refused(first: Path, second: Path, tmp_path: Path) -> None:
    broken = stored(second)
    broken["decoder.layers.1.down.weight"][3, 3] = torch.nan
    save_file(broken, second / "model.safetensors")
    assert "layers.1.down.weight holds NaN" in refusal(first, second, tmp_path / "out")


def test_a_disk_that_fills_up_leaves_nothing(first: Path, second: Path, tmp_path: Path) -> None:
    """A limit of the file's size stands for a full disk: writing fails in the middle alike."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        told = refusal(first, second, tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "cannot be written (file too large); nothing was left there" in told
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first", "second"]


def test_a_disk_without_room_is_told_before_anything_is_written(
    first: Path, second: Path, tmp_path: Path
) -> None:
    told = refusal(first, second, tmp_path / "out", free_bytes=lambda folder: 1_000)
    assert told.endswith(f"out: needs {size(first) / 1e6:,.1f} MB, and 0.0 MB are free")

"""Checkpoints load in both layouts; what is wrong with one is said in one line."""

from __future__ import annotations

import json
import os
import pickle
import random
import resource
import subprocess
import sys
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from interject.model_runtime.checkpoint import (
    CheckpointError,
    load_checkpoint,
    random_model,
    read_config,
    resolve,
    save_native,
)
from interject.model_runtime.checkpoint.tensors import SafetensorsSource
from interject.model_runtime.network.architecture import ModelConfig
from interject.model_runtime.network.layout import TokenLayout
from interject.model_runtime.protocol import Emotion, RuntimeFailure
from tests.model_runtime.reference import (
    DECODER,
    TOWER,
    litgpt_tensors,
    reference_decoder,
    reference_tower,
    write_released,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor

    from interject.model_runtime.checkpoint import Model

LAYOUT = TokenLayout(
    user=250,
    assistant=251,
    keep_silence=252,
    audio_slot=253,
    online=254,
    offline=255,
    language=256,
    text_end=257,
    text_begin=258,
    system=258,
    offline_audio_slot=259,
    audio_begin=260,
    audio_end=261,
    emotions={emotion: 262 + index for index, emotion in enumerate(Emotion)},
    banned=((250, 256), (258, 299)),
)
CONFIG = ModelConfig(name="tiny", tower=TOWER, decoder=DECODER, layout=LAYOUT)


@pytest.fixture
def native(tmp_path: Path) -> Path:
    directory = tmp_path / "native"
    save_native(random_model(CONFIG, seed=1, tokenizer=words()), directory)
    return directory


@pytest.fixture(scope="module")
def stored() -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    tower = {name: tensor.clone() for name, tensor in reference_tower().state_dict().items()}
    return tower, litgpt_tensors(reference_decoder(), DECODER)


@pytest.fixture
def released(tmp_path: Path, stored: tuple[dict[str, Tensor], dict[str, Tensor]]) -> Path:
    return write_released(tmp_path / "released", *stored)


def words() -> Tokenizer:
    return Tokenizer(WordLevel({"fire": 0, "help": 1}, unk_token="fire"))


def weights(model: Model) -> dict[str, Tensor]:
    return {
        prefix + name: parameter
        for prefix, module in (("tower.", model.tower), ("decoder.", model.decoder))
        for name, parameter in module.named_parameters()
    }


def edit_json(path: Path, change: Callable[[Any], object]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def edit_yaml(path: Path, change: Callable[[Any], object]) -> None:
    content = yaml.safe_load(path.read_text())
    change(content)
    path.write_text(yaml.safe_dump(content))


def edit_tensors(path: Path, change: Callable[[dict[str, Tensor]], object]) -> None:
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


def cut(path: Path, keep: float = 0.6) -> None:
    os.truncate(path, int(path.stat().st_size * keep))


def refusal(directory: Path) -> str:
    """The one line that loading fails with."""
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(directory)
    message = str(caught.value)
    assert isinstance(caught.value, RuntimeFailure)
    assert "\n" not in message
    assert str(directory) in message
    return message


# What loads


def test_a_native_checkpoint_comes_back_as_it_was(native: Path) -> None:
    model, before = load_checkpoint(native), random_model(CONFIG, seed=1)
    assert model.config == CONFIG
    assert model.tokenizer is not None
    assert model.tokenizer.encode("help").ids == [1]
    after, expected = weights(model), weights(before)
    assert after.keys() == expected.keys()
    assert all(torch.equal(after[name], tensor) for name, tensor in expected.items())
    assert torch.equal(model.tower.positions, before.tower.positions)
    assert model.parameter_count() == sum(tensor.numel() for tensor in expected.values())


def test_a_released_checkpoint_becomes_a_native_one(released: Path, tmp_path: Path) -> None:
    model = load_checkpoint(released)
    model = replace(model, config=replace(model.config, layout=LAYOUT), tokenizer=words())
    save_native(model, tmp_path / "converted")
    converted = load_checkpoint(tmp_path / "converted")
    assert converted.config == model.config
    assert converted.tokenizer is not None
    after = weights(converted)
    assert all(torch.equal(after[name], tensor) for name, tensor in weights(model).items())


@pytest.mark.parametrize("shards", [0, 1, 3])
def test_any_number_of_shards_loads_alike(
    shards: int, stored: tuple[dict[str, Tensor], dict[str, Tensor]], tmp_path: Path
) -> None:
    two = weights(load_checkpoint(write_released(tmp_path / "two", *stored)))
    other = weights(load_checkpoint(write_released(tmp_path / "n", *stored, shards=shards)))
    assert all(torch.equal(other[name], tensor) for name, tensor in two.items())


def test_a_pth_in_the_old_format_loads(released: Path) -> None:
    path = released / "audiointeraction_ChunkwisedEncoder.pth"
    new = weights(load_checkpoint(released))
    state = torch.load(path, weights_only=True)
    torch.save(state, path, _use_new_zipfile_serialization=False)
    old = weights(load_checkpoint(released))
    assert all(torch.equal(old[name], tensor) for name, tensor in new.items())


@pytest.mark.parametrize("layout", ["native", "released"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_weights_take_the_type_asked_for(
    layout: str, dtype: torch.dtype, request: pytest.FixtureRequest
) -> None:
    directory = request.getfixturevalue(layout)
    model = load_checkpoint(directory, dtype=dtype)
    full = weights(load_checkpoint(directory))
    assert model.dtype is dtype
    for name, tensor in weights(model).items():
        assert tensor.dtype is dtype
        assert torch.equal(tensor, full[name].to(dtype)), name


def test_weights_are_stored_in_the_type_asked_for(tmp_path: Path) -> None:
    model = random_model(CONFIG)
    save_native(model, tmp_path / "half", dtype=torch.bfloat16)
    stored = load_file(tmp_path / "half" / "model.safetensors")
    assert {tensor.dtype for tensor in stored.values()} == {torch.bfloat16}
    assert model.dtype is torch.float32
    loaded = weights(load_checkpoint(tmp_path / "half"))
    for name, tensor in weights(model).items():
        assert torch.equal(loaded[name], tensor.bfloat16().float()), name


def test_released_shapes_and_ids(released: Path) -> None:
    config = read_config(released)
    assert (config.tower, config.decoder) == (TOWER, DECODER)
    assert config.layout == TokenLayout()
    edit_yaml(released / "model_config.yaml", lambda c: c.update(block_size=32_768))
    assert read_config(released).decoder.context == 4096


def test_random_weights_follow_the_seed_and_leave_the_global_one_alone() -> None:
    state = torch.random.get_rng_state()
    first, again, other = (weights(random_model(CONFIG, seed=seed)) for seed in (3, 3, 4))
    assert torch.equal(torch.random.get_rng_state(), state)
    name = "decoder.embedding.weight"
    assert torch.equal(first[name], again[name])
    assert not torch.equal(first[name], other[name])


def test_nano_names_the_one_that_ships(tmp_path: Path) -> None:
    assert resolve("nano").name == "nano"
    assert resolve(tmp_path) == tmp_path


# What does not


def test_no_directory(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none").endswith("no such directory")


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "model").write_text("")
    assert refusal(tmp_path / "model").endswith("no such directory")


def test_neither_layout(tmp_path: Path) -> None:
    message = refusal(tmp_path)
    assert "config.json" in message
    assert "model_config.yaml" in message


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c.update(version=9), "format version 9, this Interject reads 1"),
        (lambda c: c["model"]["decoder"].update(width="wide"), "decoder.width: Input should be"),
        (lambda c: c["model"]["decoder"].pop("width"), "the tower puts out 64 values"),
        (lambda c: c["model"]["decoder"].update(kv_heads=3), "cannot share 3 key-value heads"),
        (lambda c: c["model"]["tower"].update(heads=5), "5 heads do not divide a tower 48 wide"),
        (lambda c: c["model"]["features"].update(hop=100), "hop 100"),
        (lambda c: c["model"]["decoder"].update(kv_heads=0), "kv_heads must be above 0"),
        (lambda c: c["model"]["decoder"].update(head_dim=7), "head_dim must be even"),
        (lambda c: c["model"]["tower"].update(heads=-1), "heads must be above 0, not -1"),
        (lambda c: c["model"]["layout"].update(text_end=300), "layout.text_end: not an id"),
        (lambda c: c["model"]["layout"].update(user=-1), "layout.user: not an id below 300"),
        (lambda c: c["model"]["layout"]["emotions"].update(sad=300), "emotions.sad: not an id"),
        (
            lambda c: c["model"]["layout"].update(emotions={"sad": 3, "happy": 4}),
            "layout.emotions: angry, surprise, normal, urgent missing",
        ),
        (lambda c: c["model"]["layout"]["emotions"].update(bored=3), "emotions.bored"),
        (lambda c: c["model"]["layout"].update(text_ends=3), "layout.text_ends: no such"),
        (lambda c: c["model"].update(depth=3), "depth: no such setting"),
        (lambda c: c.pop("model"), "model"),
    ],
)
def test_a_wrong_native_configuration(
    change: Callable[[Any], object], said: str, native: Path
) -> None:
    edit_json(native / "config.json", change)
    assert said in refusal(native)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c.pop("n_embd"), "lacks 'n_embd'"),
        (lambda c: c.update(n_embd="wide"), "n_embd must be a whole number above 0, not 'wide'"),
        (lambda c: c.update(n_embd=96), "the tower puts out 64 values, the decoder reads 96"),
        (lambda c: c.update(n_head=0), "n_head must be a whole number above 0, not 0"),
        (lambda c: c.update(rope_base="steep"), "steep"),
    ],
)
def test_a_wrong_released_configuration(
    change: Callable[[Any], object], said: str, released: Path
) -> None:
    edit_yaml(released / "model_config.yaml", change)
    assert said in refusal(released)


def test_released_configurations_that_cannot_be_parsed(released: Path) -> None:
    (released / "model_config.yaml").write_text("n_embd: [1, 2")
    assert refusal(released).endswith("cannot be parsed")
    (released / "model_config.yaml").write_text("just words")
    assert refusal(released).endswith("holds no settings")
    (released / "model_config.yaml").write_bytes(b"\xff\xfe\x00")
    assert refusal(released).endswith("cannot be parsed")


def test_a_released_tower_without_its_configuration(released: Path) -> None:
    path = released / "qwen25OmniConfig" / "config.json"
    path.write_text(json.dumps({"thinker_config": {}}))
    assert "lacks 'audio_config'" in refusal(released)
    path.write_text(json.dumps({"thinker_config": 3}))
    refusal(released)
    path.unlink()
    assert "no such file; the checkpoint is incomplete" in refusal(released)


@pytest.mark.parametrize(
    "name",
    [
        "audiointeraction_ChunkwisedEncoder.pth",
        "model-00002-of-00002.safetensors",
        "model.safetensors.index.json",
    ],
)
def test_a_missing_released_file(name: str, released: Path) -> None:
    (released / name).unlink()
    message = refusal(released)
    assert name in message
    assert "no such file" in message


def test_a_missing_native_file(native: Path) -> None:
    (native / "model.safetensors").unlink()
    assert "model.safetensors: no such file; the checkpoint is incomplete" in refusal(native)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda t: t.pop("decoder.layers.1.qkv.bias"),
            "tensor decoder.layers.1.qkv.bias is missing (expected shape [96])",
        ),
        (
            lambda t: t.update({"tower.conv1.weight": torch.zeros(48, 80, 3)}),
            "tensor tower.conv1.weight has shape [48, 80, 3], expected [48, 128, 3]",
        ),
        (
            lambda t: t.update({"decoder.norm.weight": torch.zeros(64, 1)}),
            "tensor decoder.norm.weight has shape [64, 1], expected [64]",
        ),
    ],
)
def test_a_wrong_native_tensor(
    change: Callable[[dict[str, Tensor]], object], said: str, native: Path
) -> None:
    edit_tensors(native / "model.safetensors", change)
    assert said in refusal(native)


def test_a_wrong_released_tensor(
    stored: tuple[dict[str, Tensor], dict[str, Tensor]], tmp_path: Path
) -> None:
    tower, decoder = stored
    name = "transformer.h.2.attn.qkv.weight"
    wrong = write_released(tmp_path / "a", tower, decoder | {name: torch.zeros(80, 64)})
    assert f"tensor {name} has shape [80, 64], expected [96, 64]" in refusal(wrong)
    lacking = {key: tensor for key, tensor in decoder.items() if key != name}
    message = refusal(write_released(tmp_path / "b", tower, lacking))
    assert f"tensor {name} is missing (expected shape [96, 64])" in message
    name = "layers.1.self_attn.v_proj.weight"
    wrong = write_released(tmp_path / "c", tower | {name: torch.zeros(48, 40)}, decoder)
    assert f"tensor {name} has shape [48, 40], expected [48, 48]" in refusal(wrong)
    lacking = {key: tensor for key, tensor in tower.items() if key != name}
    message = refusal(write_released(tmp_path / "d", lacking, decoder))
    assert f"tensor {name} is missing (expected shape [48, 48])" in message


def test_a_wrong_interleaved_tensor(
    stored: tuple[dict[str, Tensor], dict[str, Tensor]], tmp_path: Path
) -> None:
    decoder = litgpt_tensors(reference_decoder(), DECODER, interleaved=True)
    name = "transformer.h.0.attn.attn.weight"
    directory = write_released(tmp_path / "a", stored[0], decoder | {name: torch.zeros(95, 64)})
    assert f"tensor {name} has shape [95, 64], expected [96, 64]" in refusal(directory)


@pytest.mark.parametrize("keep", [0.0, 0.0001, 0.6, 0.999])
@pytest.mark.parametrize(
    "name", ["audiointeraction_ChunkwisedEncoder.pth", "model-00001-of-00002.safetensors"]
)
def test_a_truncated_released_file(name: str, keep: float, released: Path) -> None:
    cut(released / name, keep)
    message = refusal(released)
    assert name in message
    assert "truncated" in message


def test_a_truncated_native_file(native: Path) -> None:
    cut(native / "model.safetensors")
    assert "truncated" in refusal(native)


@pytest.mark.parametrize("spare", [0, 1])
def test_a_file_that_no_descriptor_is_left_for(native: Path, spare: int) -> None:
    path = native / "model.safetensors"
    source, (name, *_) = SafetensorsSource.single(path), load_file(path)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with path.open() as last:
        resource.setrlimit(resource.RLIMIT_NOFILE, (last.fileno() + 1 + spare, before[1]))
        try:
            with pytest.raises(CheckpointError, match=r"cannot be read .*oo many open files"):
                source.shape(name)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize(
    "data",
    [b"", b"a", b"t.", b"\x80\x02J\x01", b"\x80\x02h\x07.", random.Random(1).randbytes(10_000)],
    ids=["empty", "unknown", "no mark", "cut short", "no such memory", "noise"],
)
def test_damaged_bytes_instead_of_a_pth(released: Path, data: bytes) -> None:
    (released / "audiointeraction_ChunkwisedEncoder.pth").write_bytes(data)
    assert "audiointeraction_ChunkwisedEncoder.pth" in refusal(released)


class Burglar:
    """Runs a command when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.marker}",)


@pytest.mark.parametrize("how", ["zip", "old", "pickle"])
def test_code_in_a_pth_is_refused_and_never_run(how: str, released: Path, tmp_path: Path) -> None:
    path, marker = released / "audiointeraction_ChunkwisedEncoder.pth", tmp_path / "ran"
    state = {"conv1.weight": torch.zeros(3), "proj.bias": Burglar(marker)}
    if how == "pickle":
        path.write_bytes(pickle.dumps(state))
    else:
        torch.save(state, path, _use_new_zipfile_serialization=how == "zip")
    assert "refused" in refusal(released)
    assert not marker.exists()


@pytest.mark.parametrize("content", [[1, 2], {"conv1.weight": "text"}, {"model": {"a": 1}}])
def test_a_pth_of_something_else(content: object, released: Path) -> None:
    torch.save(content, released / "audiointeraction_ChunkwisedEncoder.pth")
    assert "is not a plain dictionary of tensors" in refusal(released)


@pytest.mark.parametrize(
    "content", ["{", "[]", "{}", '{"weight_map": 3}', '{"weight_map": {"a": 3}}']
)
def test_a_bad_index(content: str, released: Path) -> None:
    (released / "model.safetensors.index.json").write_text(content)
    assert "model.safetensors.index.json: not an index" in refusal(released)


def test_an_index_that_names_a_tensor_elsewhere(released: Path) -> None:
    def move(index: dict[str, Any]) -> None:
        index["weight_map"]["lm_head.weight"] = "model-00002-of-00002.safetensors"

    edit_json(released / "model.safetensors.index.json", move)
    assert "tensor lm_head.weight is missing from this shard" in refusal(released)


def test_an_index_that_leads_out_of_the_directory(released: Path, tmp_path: Path) -> None:
    shard = released / "model-00001-of-00002.safetensors"
    shard.rename(tmp_path / "elsewhere.safetensors")

    def lead_out(index: dict[str, Any]) -> None:
        for name, file in index["weight_map"].items():
            if file == shard.name:
                index["weight_map"][name] = "../elsewhere.safetensors"

    edit_json(released / "model.safetensors.index.json", lead_out)
    assert "outside" in refusal(released)


def test_a_bad_tokenizer(native: Path) -> None:
    (native / "tokenizer.json").write_text("{}")
    assert "tokenizer.json: not a tokenizer file" in refusal(native)


LOAD_AND_MEASURE = """
import gc, sys, torch
from pathlib import Path
from interject.model_runtime.checkpoint import load_checkpoint

def kib(field):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))

load_checkpoint(sys.argv[1], dtype=torch.bfloat16)  # what comes with a first use
gc.collect()
before = kib("VmRSS")
model = load_checkpoint(sys.argv[2], dtype=torch.bfloat16)
weights = model.parameter_count() * 2 // 1024
print(kib("VmHWM") - before - weights, weights)
"""


def write_zeros(path: Path, tensors: dict[str, Tensor]) -> None:
    """A safetensors file of zeros, as a hole that takes no time to write."""
    header, end = {}, 0
    for name, tensor in tensors.items():
        start, end = end, end + 4 * tensor.numel()
        entry = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [start, end]}
        header[name] = entry
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    os.truncate(path, 8 + len(text) + end)


@pytest.mark.timeout(150)
def test_loading_peaks_little_above_the_weights(released: Path, tmp_path: Path) -> None:
    """Stored as 420 MB of float32: a second copy of it would show."""
    tower = replace(TOWER, width=512, layers=12, heads=8, feed_forward=2048, output=512)
    decoder = replace(
        DECODER, width=512, layers=6, head_dim=64, feed_forward=2048, vocabulary=40_000
    )
    with torch.device("meta"):
        tower_tensors = reference_tower(tower, seed=None).state_dict()
        decoder_tensors = litgpt_tensors(reference_decoder(decoder, seed=None), decoder)
    big = write_released(
        tmp_path / "big",
        {name: torch.zeros(tensor.shape) for name, tensor in tower_tensors.items()},
        {},
        tower_shape=tower,
        decoder_shape=decoder,
        shards=0,
    )
    write_zeros(big / "model.safetensors", decoder_tensors)
    done = subprocess.run(
        [sys.executable, "-c", LOAD_AND_MEASURE, str(released), str(big)],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    above_kib, weights_kib = map(int, done.stdout.split())
    assert weights_kib > 150_000
    assert above_kib < 300_000


def test_a_configuration_of_parts_that_do_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="the tower reads 80 mel bins, features have 128"):
        ModelConfig(tower=replace(TOWER, mel_bins=80), decoder=DECODER, layout=LAYOUT)
    assert asdict(CONFIG)["layout"]["text_end"] == 257

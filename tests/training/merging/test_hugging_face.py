"""A text model as transformers saves it is the second of a merge."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch

from interject.model_runtime.checkpoint import load_checkpoint, random_model, save_native
from interject.model_runtime.checkpoint.error import CheckpointError
from interject.training.merging.core_cocktail import merge
from interject.training.merging.error import MergeError
from tests.model_runtime.worlds import small_model

if TYPE_CHECKING:
    from pathlib import Path

    from transformers import Qwen2ForCausalLM

CONFIG = small_model().config


def text_model(folder: Path, *, tied: bool = False, shard: str = "5GB") -> Qwen2ForCausalLM:
    """Of the small model's shape, with random weights, in a folder."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    shape = CONFIG.decoder
    torch.manual_seed(3)
    model = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=shape.vocabulary, hidden_size=shape.width, num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads, num_key_value_heads=shape.kv_heads,
            intermediate_size=shape.feed_forward, head_dim=shape.head_dim,
            rms_norm_eps=shape.norm_eps, tie_word_embeddings=tied,
            rope_parameters={"rope_type": "default", "rope_theta": shape.rope_base},
        )
    )  # fmt: skip
    model.save_pretrained(folder, max_shard_size=shard)
    return model


@pytest.fixture
def first(tmp_path: Path) -> Path:
    save_native(random_model(CONFIG, seed=1, tokenizer=small_model().tokenizer), tmp_path / "a")
    return tmp_path / "a"


@pytest.mark.parametrize(("tied", "shard"), [(False, "5GB"), (True, "20KB")])
def test_its_decoder_says_what_transformers_says(
    first: Path, tmp_path: Path, tied: bool, shard: str
) -> None:
    theirs = text_model(tmp_path / "b", tied=tied, shard=shard)
    assert (tmp_path / "b" / "model.safetensors.index.json").is_file() is tied
    merge(first, tmp_path / "b", tmp_path / "out", alpha=0.0)
    decoder = load_checkpoint(tmp_path / "out").decoder
    control = set(CONFIG.layout.control_ids())
    text = [token for token in range(CONFIG.decoder.vocabulary) if token not in control]
    ids = torch.tensor([text[:12]])
    with torch.no_grad():
        said = decoder.head(decoder.forward_train(decoder.embed(ids)))
        wanted = theirs(ids).logits
    assert torch.allclose(said[..., text], wanted[..., text], atol=1e-4)


def test_one_that_does_not_fit_is_refused_in_one_line(first: Path, tmp_path: Path) -> None:
    text_model(tmp_path / "b")
    path, out = tmp_path / "b" / "config.json", tmp_path / "out"
    good = json.loads(path.read_text())
    for changed, error, said in (
        ({"model_type": "llama"}, CheckpointError, "only a qwen2 has the decoder"),
        ({"num_hidden_layers": 7}, MergeError, "decoders differ in layers"),
        ({"hidden_size": None}, CheckpointError, "config.json: "),
        ({"num_attention_heads": 0}, CheckpointError, "config.json: "),
    ):
        path.write_text(json.dumps(good | changed))
        with pytest.raises(error) as caught:
            merge(first, tmp_path / "b", out)
        assert said in str(caught.value)
        assert "\n" not in str(caught.value)
        assert not out.exists()


def test_a_missing_shard_is_named(first: Path, tmp_path: Path) -> None:
    text_model(tmp_path / "b", shard="20KB")
    gone = sorted((tmp_path / "b").glob("model-*.safetensors"))[1]
    gone.unlink()
    with pytest.raises(CheckpointError, match=gone.name):
        merge(first, tmp_path / "b", tmp_path / "out")


def test_another_context_is_no_difference(first: Path, tmp_path: Path) -> None:
    text_model(tmp_path / "b")
    merge(first, tmp_path / "b", tmp_path / "out")
    loaded = load_checkpoint(tmp_path / "out").config
    assert replace(loaded, name="") == replace(CONFIG, name="")

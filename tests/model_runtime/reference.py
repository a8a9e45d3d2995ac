"""Small models of the libraries that the released checkpoint came from, and files like its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import torch
import yaml
from safetensors.torch import save_file
from transformers import Qwen2Config, Qwen2ForCausalLM
from transformers.models.qwen2_5_omni.configuration_qwen2_5_omni import (
    Qwen2_5OmniAudioEncoderConfig,
)
from transformers.models.qwen2_5_omni.modeling_qwen2_5_omni import Qwen2_5OmniAudioEncoder

from interject.model_runtime.network.architecture import DecoderShape, TowerShape
from tests.model_runtime.random_weights import randomise

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

TOWER = TowerShape(width=48, layers=2, heads=4, feed_forward=96, output=64)
DECODER = DecoderShape(
    width=64,
    layers=3,
    heads=8,
    kv_heads=2,
    head_dim=8,
    feed_forward=96,
    vocabulary=300,
    rope_base=50_000.0,
    context=128,
)


def reference_tower(shape: TowerShape = TOWER, seed: int | None = 0) -> Qwen2_5OmniAudioEncoder:
    """The tower of transformers, with random weights; without a seed they stay as they are."""
    config = Qwen2_5OmniAudioEncoderConfig(**tower_settings(shape))
    config._attn_implementation = "sdpa"
    tower = Qwen2_5OmniAudioEncoder(config).eval()
    if seed is not None:
        randomise(tower, seed)
    return tower


def reference_decoder(shape: DecoderShape = DECODER, seed: int | None = 0) -> Qwen2ForCausalLM:
    """The decoder of transformers, with random weights; without a seed they stay as they are."""
    config = Qwen2Config(
        vocab_size=shape.vocabulary,
        hidden_size=shape.width,
        intermediate_size=shape.feed_forward,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        rms_norm_eps=shape.norm_eps,
        rope_theta=shape.rope_base,
        max_position_embeddings=shape.context,
        tie_word_embeddings=False,
    )
    decoder = Qwen2ForCausalLM(config).eval()
    if seed is not None:
        randomise(decoder, seed)
    return decoder


def tower_settings(shape: TowerShape) -> dict[str, Any]:
    """The audio part of Qwen2.5-Omni's configuration."""
    return {
        "num_mel_bins": shape.mel_bins,
        "encoder_layers": shape.layers,
        "encoder_attention_heads": shape.heads,
        "encoder_ffn_dim": shape.feed_forward,
        "d_model": shape.width,
        "output_dim": shape.output,
        "n_window": 100,
        "max_source_positions": 1500,
    }


def decoder_settings(shape: DecoderShape) -> dict[str, Any]:
    """LitGPT's configuration."""
    return {
        "name": "tiny",
        "n_embd": shape.width,
        "n_layer": shape.layers,
        "n_head": shape.heads,
        "n_query_groups": shape.kv_heads,
        "intermediate_size": shape.feed_forward,
        "padded_vocab_size": shape.vocabulary,
        "rope_base": int(shape.rope_base),
        "norm_eps": shape.norm_eps,
        "block_size": shape.context,
    }


def litgpt_tensors(
    decoder: Qwen2ForCausalLM, shape: DecoderShape, *, interleaved: bool = False
) -> dict[str, Tensor]:
    """The decoder's tensors under LitGPT's names, in either order of q, k and v."""
    state = decoder.state_dict()
    tensors = {
        "transformer.wte.weight": state["model.embed_tokens.weight"],
        "transformer.ln_f.weight": state["model.norm.weight"],
        "lm_head.weight": state["lm_head.weight"],
    }
    renamed = {
        "norm_1.weight": "input_layernorm.weight",
        "norm_2.weight": "post_attention_layernorm.weight",
        "attn.proj.weight": "self_attn.o_proj.weight",
        "mlp.fc_1.weight": "mlp.gate_proj.weight",
        "mlp.fc_2.weight": "mlp.up_proj.weight",
        "mlp.proj.weight": "mlp.down_proj.weight",
    }
    for index in range(shape.layers):
        theirs, litgpt = f"model.layers.{index}.", f"transformer.h.{index}."
        for new, old in renamed.items():
            tensors[litgpt + new] = state[theirs + old]
        for kind in ("weight", "bias"):
            q, k, v = (state[f"{theirs}self_attn.{letter}_proj.{kind}"] for letter in "qkv")
            name = f"{litgpt}attn.{'attn' if interleaved else 'qkv'}.{kind}"
            tensors[name] = group_by_group(q, k, v, shape) if interleaved else torch.cat((q, k, v))
    return {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}


def group_by_group(q: Tensor, k: Tensor, v: Tensor, shape: DecoderShape) -> Tensor:
    """For each group its queries, its key, its value."""
    groups = zip(*(t.chunk(shape.kv_heads) for t in (q, k, v)), strict=True)
    return torch.cat([part for group in groups for part in group])


def write_released(
    directory: Path,
    tower: dict[str, Tensor],
    decoder: dict[str, Tensor],
    *,
    tower_shape: TowerShape = TOWER,
    decoder_shape: DecoderShape = DECODER,
    shards: int = 2,
) -> Path:
    """Write a checkpoint in the released layout; 0 shards mean one file without an index."""
    (directory / "qwen25OmniConfig").mkdir(parents=True)
    (directory / "model_config.yaml").write_text(yaml.safe_dump(decoder_settings(decoder_shape)))
    omni = {"thinker_config": {"audio_config": tower_settings(tower_shape)}}
    (directory / "qwen25OmniConfig" / "config.json").write_text(json.dumps(omni))
    torch.save(tower, directory / "audiointeraction_ChunkwisedEncoder.pth")
    if not shards:
        save_file(decoder, directory / "model.safetensors")
        return directory
    weight_map: dict[str, str] = {}
    names = sorted(decoder)
    for shard in range(shards):
        file = f"model-{shard + 1:05d}-of-{shards:05d}.safetensors"
        mine = names[shard::shards]
        save_file({name: decoder[name] for name in mine}, directory / file)
        weight_map |= dict.fromkeys(mine, file)
    index = {"metadata": {}, "weight_map": weight_map}
    (directory / "model.safetensors.index.json").write_text(json.dumps(index))
    return directory

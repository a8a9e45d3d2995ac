"""A text model as it is published on Hugging Face: `config.json`, safetensors, whole or in shards.

Only a decoder of the kind that Audio-Interaction's is: Qwen2's.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from interject.model_runtime.checkpoint.assembly import Part
from interject.model_runtime.checkpoint.error import CheckpointError
from interject.model_runtime.checkpoint.tensors import SafetensorsSource
from interject.model_runtime.network.architecture import DecoderShape

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from interject.model_runtime.checkpoint.tensors import TensorSource

CONFIG, WEIGHTS, INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"
KIND = "qwen2"
_EMBEDDING = "model.embed_tokens.weight"


def is_hugging_face(directory: Path) -> bool:
    """Whether its `config.json` names a kind of model."""
    try:
        config = json.loads((directory / CONFIG).read_text())
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and isinstance(config.get("model_type"), str)


def text_decoder_shape(directory: Path) -> DecoderShape:
    """:raises CheckpointError: when it is of another kind, or its configuration lacks something."""
    path = directory / CONFIG
    config = json.loads(path.read_text())
    if config["model_type"] != KIND:
        raise CheckpointError(
            f"{path}: is a {config['model_type']}; only a {KIND} has the decoder that is merged"
        )
    try:
        return _shape(config)
    except KeyError as error:
        raise CheckpointError(f"{path}: lacks {error}") from error
    except (TypeError, ValueError, ZeroDivisionError) as error:
        raise CheckpointError(f"{path}: {error}") from error


def _shape(config: dict[str, Any]) -> DecoderShape:
    rope = config.get("rope_parameters") or config  # transformers 5 moved it there
    width, heads = int(config["hidden_size"]), int(config["num_attention_heads"])
    return DecoderShape(
        width=width,
        layers=int(config["num_hidden_layers"]),
        heads=heads,
        kv_heads=int(config.get("num_key_value_heads") or heads),
        head_dim=int(config.get("head_dim") or width // heads),
        feed_forward=int(config["intermediate_size"]),
        vocabulary=int(config["vocab_size"]),
        rope_base=float(rope["rope_theta"]),
        norm_eps=float(config["rms_norm_eps"]),
    )


def text_source(directory: Path) -> SafetensorsSource:
    """:raises CheckpointError: when a file is missing or damaged."""
    if (directory / INDEX).is_file():
        return SafetensorsSource.sharded(directory / INDEX)
    return SafetensorsSource.single(directory / WEIGHTS)


def text_parts(shape: DecoderShape, source: TensorSource) -> Iterator[Part]:
    """Where its tensors go. A model whose head is tied to its embedding stores one of them."""
    tied = source.shape("lm_head.weight") is None
    yield Part(_EMBEDDING, "embedding.weight")
    yield Part(_EMBEDDING if tied else "lm_head.weight", "head.weight")
    yield Part("model.norm.weight", "norm.weight")
    for index in range(shape.layers):
        yield from _layer_parts(shape, f"model.layers.{index}.", f"layers.{index}.")


def _layer_parts(shape: DecoderShape, theirs: str, ours: str) -> Iterator[Part]:
    yield Part(f"{theirs}input_layernorm.weight", f"{ours}attention_norm.weight")
    yield Part(f"{theirs}post_attention_layernorm.weight", f"{ours}feed_norm.weight")
    yield Part(f"{theirs}self_attn.o_proj.weight", f"{ours}out.weight")
    yield Part(f"{theirs}mlp.down_proj.weight", f"{ours}down.weight")
    width = shape.feed_forward
    yield Part(f"{theirs}mlp.gate_proj.weight", f"{ours}gate_up.weight", 0, rows=width)
    yield Part(f"{theirs}mlp.up_proj.weight", f"{ours}gate_up.weight", width, rows=width)
    at = 0
    for name, heads in (("q", shape.heads), ("k", shape.kv_heads), ("v", shape.kv_heads)):
        rows = heads * shape.head_dim
        for kind in ("weight", "bias"):
            yield Part(f"{theirs}self_attn.{name}_proj.{kind}", f"{ours}qkv.{kind}", at, rows=rows)
        at += rows

"""The layout in which Audio-Interaction is released.

LitGPT shards for the decoder, a `.pth` for the tower, `model_config.yaml` and Qwen2.5-Omni's
configuration for the shapes.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

from interject.model_runtime.checkpoint.assembly import Part, assemble
from interject.model_runtime.checkpoint.error import CheckpointError
from interject.model_runtime.checkpoint.model import Model, empty_modules
from interject.model_runtime.checkpoint.native import read_tokenizer
from interject.model_runtime.checkpoint.tensors import PickleSource, SafetensorsSource
from interject.model_runtime.network.architecture import DecoderShape, ModelConfig, TowerShape

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import torch

    from interject.model_runtime.checkpoint.tensors import TensorSource

DECODER_CONFIG = "model_config.yaml"
DECODER_INDEX = "model.safetensors.index.json"
DECODER_SINGLE = "model.safetensors"
TOWER_CONFIG = "qwen25OmniConfig/config.json"
TOWER_WEIGHTS = "audiointeraction_ChunkwisedEncoder.pth"
TRAINED_CONTEXT = 4096
"""The released model was fine-tuned on sequences of this length, whatever its block size says."""


def is_released(directory: Path) -> bool:
    """Whether a directory looks like the released checkpoint."""
    return (directory / DECODER_CONFIG).is_file()


def read_config(directory: Path) -> ModelConfig:
    """The shapes of a released checkpoint, with the released token ids."""
    decoder = _read(directory / DECODER_CONFIG, _parse_yaml)
    tower = _read(directory / TOWER_CONFIG, json.loads)
    with _described(directory):
        return ModelConfig(
            name=str(decoder.get("name", "audio-interaction")),
            tower=_tower_shape(tower["thinker_config"]["audio_config"]),
            decoder=_decoder_shape(decoder),
        )


def read_decoder_shape(directory: Path) -> DecoderShape:
    """That of a checkpoint of which the decoder alone may be there."""
    with _described(directory):
        return _decoder_shape(_read(directory / DECODER_CONFIG, _parse_yaml))


@contextlib.contextmanager
def _described(directory: Path) -> Iterator[None]:
    try:
        yield
    except KeyError as error:
        raise CheckpointError(f"{directory}: its configuration lacks {error}") from error
    except (ValueError, TypeError) as error:
        raise CheckpointError(f"{directory}: {error}") from error


def _parse_yaml(text: str) -> Any:
    """No other layout needs PyYAML."""
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _read(path: Path, parse: Any) -> dict[str, Any]:
    try:
        content = parse(path.read_text())
    except OSError as error:
        raise CheckpointError(f"{path}: no such file; the checkpoint is incomplete") from error
    except ValueError as error:
        raise CheckpointError(f"{path}: cannot be parsed") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path}: holds no settings")
    return content


def _count(config: dict[str, Any], key: str) -> int:
    value = config[key]
    if not isinstance(value, int) or value < 1:
        raise ValueError(f"{key} must be a whole number above 0, not {value!r}")
    return value


def _decoder_shape(config: dict[str, Any]) -> DecoderShape:
    width, heads = _count(config, "n_embd"), _count(config, "n_head")
    return DecoderShape(
        width=width,
        layers=_count(config, "n_layer"),
        heads=heads,
        kv_heads=_count(config, "n_query_groups"),
        head_dim=_count(config, "head_size") if config.get("head_size") else width // heads,
        feed_forward=_count(config, "intermediate_size"),
        vocabulary=_count(config, "padded_vocab_size"),
        rope_base=float(config.get("rope_base", 1_000_000)),
        norm_eps=float(config.get("norm_eps", 1e-6)),
        context=min(
            TRAINED_CONTEXT, _count({"block_size": TRAINED_CONTEXT} | config, "block_size")
        ),
    )


def _tower_shape(config: dict[str, Any]) -> TowerShape:
    return TowerShape(
        width=_count(config, "d_model"),
        layers=_count(config, "encoder_layers"),
        heads=_count(config, "encoder_attention_heads"),
        feed_forward=_count(config, "encoder_ffn_dim"),
        output=_count(config, "output_dim"),
        mel_bins=_count(config, "num_mel_bins"),
    )


def load_released(directory: Path, *, dtype: torch.dtype, device: torch.device | str) -> Model:
    """Read a released checkpoint; shards are mapped and converted tensor by tensor.

    :raises CheckpointError: when anything is missing, damaged, of another shape or unsafe.
    """
    config = read_config(directory)
    tower, decoder = empty_modules(config)
    source = decoder_source(directory)
    assemble(decoder, decoder_parts(config.decoder, source), source, dtype=dtype, device=device)
    tower_source = PickleSource(directory / TOWER_WEIGHTS)
    assemble(tower, tower_parts(config.tower), tower_source, dtype=dtype, device=device)
    tower.place_positions(device)
    return Model(config, tower, decoder, read_tokenizer(directory))


def decoder_source(directory: Path) -> SafetensorsSource:
    if (directory / DECODER_INDEX).is_file():
        return SafetensorsSource.sharded(directory / DECODER_INDEX)
    if (directory / DECODER_SINGLE).is_file():
        return SafetensorsSource.single(directory / DECODER_SINGLE)
    raise CheckpointError(
        f"{directory / DECODER_INDEX}: no such file; the checkpoint is incomplete"
    )


def decoder_parts(shape: DecoderShape, source: TensorSource) -> Iterator[Part]:
    """Where LitGPT's tensors go."""
    yield Part("transformer.wte.weight", "embedding.weight")
    yield Part("transformer.ln_f.weight", "norm.weight")
    yield Part("lm_head.weight", "head.weight")
    for index in range(shape.layers):
        theirs, ours = f"transformer.h.{index}.", f"layers.{index}."
        yield Part(theirs + "norm_1.weight", ours + "attention_norm.weight")
        yield Part(theirs + "norm_2.weight", ours + "feed_norm.weight")
        yield Part(theirs + "attn.proj.weight", ours + "out.weight")
        yield Part(theirs + "mlp.proj.weight", ours + "down.weight")
        width = shape.feed_forward
        yield Part(theirs + "mlp.fc_1.weight", ours + "gate_up.weight", 0, rows=width)
        yield Part(theirs + "mlp.fc_2.weight", ours + "gate_up.weight", width, rows=width)
        for kind in ("weight", "bias"):
            interleaved = f"{theirs}attn.attn.{kind}"
            if source.shape(interleaved) is not None:
                yield from _interleaved_qkv(shape, interleaved, f"{ours}qkv.{kind}")
            else:
                yield Part(f"{theirs}attn.qkv.{kind}", f"{ours}qkv.{kind}")


def _interleaved_qkv(shape: DecoderShape, source: str, target: str) -> Iterator[Part]:
    """LitGPT's older order: for each group its queries, its key, its value."""
    dim, groups = shape.head_dim, shape.kv_heads
    queries = shape.heads // groups * dim
    stored = (shape.heads + 2 * groups) * dim
    for group in range(groups):
        first = group * (queries + 2 * dim)
        into_q = group * queries
        into_k = shape.heads * dim + group * dim
        into_v = into_k + groups * dim
        yield Part(source, target, into_q, first, queries, stored)
        yield Part(source, target, into_k, first + queries, dim, stored)
        yield Part(source, target, into_v, first + queries + dim, dim, stored)


def tower_parts(shape: TowerShape) -> Iterator[Part]:
    """Where the tensors of Qwen2.5-Omni's audio tower go."""
    for kind in ("weight", "bias"):
        yield Part(f"conv1.{kind}", f"conv1.{kind}")
        yield Part(f"conv2.{kind}", f"conv2.{kind}")
        yield Part(f"ln_post.{kind}", f"norm.{kind}")
        yield Part(f"proj.{kind}", f"proj.{kind}")
        for index in range(shape.layers):
            yield from _tower_layer_parts(shape, f"layers.{index}.", kind)


def _tower_layer_parts(shape: TowerShape, layer: str, kind: str) -> Iterator[Part]:
    yield Part(f"{layer}self_attn_layer_norm.{kind}", f"{layer}attention_norm.{kind}")
    yield Part(f"{layer}final_layer_norm.{kind}", f"{layer}feed_norm.{kind}")
    yield Part(f"{layer}fc1.{kind}", f"{layer}up.{kind}")
    yield Part(f"{layer}fc2.{kind}", f"{layer}down.{kind}")
    yield Part(f"{layer}self_attn.out_proj.{kind}", f"{layer}out.{kind}")
    for position, name in enumerate(("q_proj", "k_proj", "v_proj")):
        if (name, kind) == ("k_proj", "bias"):
            continue
        yield Part(
            f"{layer}self_attn.{name}.{kind}",
            f"{layer}qkv.{kind}",
            position * shape.width,
            rows=shape.width,
        )

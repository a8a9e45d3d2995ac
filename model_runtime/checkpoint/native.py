"""Our own layout: `model.safetensors`, `config.json`, `tokenizer.json`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from safetensors.torch import save_file

from interject.model_runtime.checkpoint.assembly import Part, assemble
from interject.model_runtime.checkpoint.error import CheckpointError
from interject.model_runtime.checkpoint.model import Model, empty_modules
from interject.model_runtime.checkpoint.tensors import SafetensorsSource
from interject.model_runtime.network.architecture import UNGROUPED, ModelConfig
from interject.model_runtime.protocol import Emotion

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from tokenizers import Tokenizer

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
TOKENIZER_FILE = "tokenizer.json"
FORMAT = "interject"
VERSION = 1


def is_native(directory: Path) -> bool:
    """Whether a directory's `config.json` is ours."""
    try:
        config = json.loads((directory / CONFIG_FILE).read_text())
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and config.get("format") == FORMAT


def read_config(directory: Path) -> ModelConfig:
    """The shapes of a native checkpoint."""
    from pydantic import TypeAdapter, ValidationError  # may be missing where nano is trained

    path = directory / CONFIG_FILE
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path}: cannot be read as JSON ({error})") from error
    if content.get("version") != VERSION:
        raise CheckpointError(
            f"{path}: format version {content.get('version')}, this Interject reads {VERSION}"
        )
    try:
        config = TypeAdapter(ModelConfig).validate_python(content.get("model"))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise CheckpointError(f"{path}: {key or 'model'}: {first['msg']}") from error
    unknown = _unknown_key(content["model"], asdict(config))
    if unknown is not None:
        raise CheckpointError(f"{path}: {unknown}: no such setting")
    layout, vocabulary = config.layout, config.decoder.vocabulary
    outside = layout.first_outside(vocabulary)
    if outside is not None:
        raise CheckpointError(f"{path}: layout.{outside}: not an id below {vocabulary}")
    if layout.emotion_slot and len(layout.emotions) < len(Emotion):
        missing = ", ".join(emotion for emotion in Emotion if emotion not in layout.emotions)
        raise CheckpointError(f"{path}: layout.emotions: {missing} missing")
    return config


def _settings(config: ModelConfig) -> dict[str, Any]:
    """As they are written. Nothing is said of groups where there are none: so earlier versions
    read what they can run, and refuse the rest by its name.
    """
    settings = asdict(config)
    if config.tower.grouping == UNGROUPED:
        del settings["tower"]["grouping"]
    return settings


def _unknown_key(given: dict[str, Any], known: dict[str, Any]) -> str | None:
    for key, value in given.items():
        if key not in known:
            return key
        below = _unknown_key(value, known[key]) if isinstance(value, dict) else None
        if below is not None:
            return f"{key}.{below}"
    return None


def has_config(directory: Path, config: ModelConfig) -> bool:
    """Whether a native checkpoint is of these shapes, whatever its name. Needs no pydantic."""
    content = json.loads((directory / CONFIG_FILE).read_text())
    wanted = json.loads(json.dumps(_settings(config)))
    given = content.get("model")
    return isinstance(given, dict) and {**given, "name": ""} == {**wanted, "name": ""}


def load_native(
    directory: Path,
    *,
    dtype: torch.dtype,
    device: torch.device | str,
    config: ModelConfig | None = None,
) -> Model:
    """Read a native checkpoint; `config` is what `has_config` has found to be its own.

    :raises CheckpointError: when anything is missing, damaged or of another shape.
    """
    config = config or read_config(directory)
    tower, decoder = empty_modules(config)
    source = SafetensorsSource.single(directory / WEIGHTS_FILE)
    for prefix, module in (("tower.", tower), ("decoder.", decoder)):
        parts = [Part(prefix + name, name) for name, _ in module.named_parameters()]
        assemble(module, parts, source, dtype=dtype, device=device)
    tower.place_positions(device)
    return Model(config, tower, decoder, read_tokenizer(directory))


def read_tokenizer(directory: Path) -> Tokenizer | None:
    """The tokenizer beside the weights, or None when there is none."""
    from tokenizers import Tokenizer

    path = directory / TOKENIZER_FILE
    if not path.is_file():
        return None
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception
        raise CheckpointError(f"{path}: not a tokenizer file ({error})") from error


def save_native(model: Model, directory: Path, *, dtype: torch.dtype | None = None) -> None:
    """Write a checkpoint; `dtype` is that of the stored weights (default: as loaded)."""
    directory.mkdir(parents=True, exist_ok=True)
    tensors = {
        prefix + name: parameter.detach().to("cpu", dtype or parameter.dtype).contiguous()
        for prefix, module in (("tower.", model.tower), ("decoder.", model.decoder))
        for name, parameter in module.named_parameters()
    }
    save_file(tensors, str(directory / WEIGHTS_FILE))
    write_config(model.config, directory)
    if model.tokenizer is not None:
        model.tokenizer.save(str(directory / TOKENIZER_FILE))


def write_config(config: ModelConfig, directory: Path) -> None:
    """Write what `read_config` reads."""
    content = {"format": FORMAT, "version": VERSION, "model": _settings(config)}
    (directory / CONFIG_FILE).write_text(json.dumps(content, indent=2) + "\n")

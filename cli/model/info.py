"""A checkpoint's shapes as a table."""

from __future__ import annotations

import sys
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from pathlib import Path

    from interject.model_runtime.network.architecture import ModelConfig

PLAIN_WIDTH = 120
WEIGHT_SUFFIXES = (".safetensors", ".pth", ".bin")
TOKENIZER_FILE = "tokenizer.json"


def show_info(checkpoint: str) -> None:
    """Print what a checkpoint is.

    :raises CheckpointError: when it is missing or damaged.
    """
    from interject.model_runtime.checkpoint import read_config, resolve

    directory = resolve(checkpoint)
    config = read_config(directory)
    out = sys.stdout
    console = Console(file=out, highlight=False, width=None if out.isatty() else PLAIN_WIDTH)
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for key, value in _rows(directory, config):
        table.add_row(key, value)
    console.print(table)


def _rows(directory: Path, config: ModelConfig) -> list[tuple[str, str]]:
    tower, decoder = _parameter_counts(config)
    sizes = [path.stat().st_size for path in directory.iterdir() if path.suffix in WEIGHT_SUFFIXES]
    tokenizer = (directory / TOKENIZER_FILE).is_file()
    return [
        ("name", config.name),
        ("folder", str(directory)),
        ("weights", f"{sum(sizes) / 1e6:,.1f} MB in {len(sizes)} file(s)"),
        ("parameters", f"{(tower + decoder) / 1e6:,.1f} M: tower {tower:,}, decoder {decoder:,}"),
        ("features", _fields(config.features)),
        ("tower", _fields(config.tower)),
        ("decoder", _fields(config.decoder)),
        ("a chunk of 400 ms", _chunk(config)),
        ("token ids", _fields(config.layout, leave_out=("emotions", "banned"))),
        ("emotions", ", ".join(f"{k} {v}" for k, v in config.layout.emotions.items())),
        ("banned ids", ", ".join(f"{first}-{last}" for first, last in config.layout.banned)),
        ("tokenizer", "yes" if tokenizer else "no; only token ids can be put in"),
    ]


def _chunk(config: ModelConfig) -> str:
    tower = config.tower
    return (
        f"{tower.chunk_positions} positions, {tower.chunk_embeddings} of them sound of "
        f"{1e3 * tower.embedding_s:.0f} ms; a slot of {config.decoder.context:,} holds "
        f"{config.remembered_s:.0f} s"
    )


def _parameter_counts(config: ModelConfig) -> tuple[int, int]:
    from interject.model_runtime.checkpoint.model import empty_modules

    tower, decoder = empty_modules(config)
    return (
        sum(parameter.numel() for parameter in tower.parameters()),
        sum(parameter.numel() for parameter in decoder.parameters()),
    )


def _fields(part: Any, *, leave_out: tuple[str, ...] = ()) -> str:
    named = (item.name for item in fields(part) if item.name not in leave_out)
    return ", ".join(f"{name} {getattr(part, name)}" for name in named)

"""The model that is measured, and slots that look as if sessions had lasted for minutes."""

from __future__ import annotations

import gc
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import torch
from tokenizers import Tokenizer, models

from benchmarks.rig import tiny_config
from interject.model_runtime.capacity import footprint, margin, slot_bytes
from interject.model_runtime.checkpoint.model import Model, random_model
from interject.model_runtime.network.architecture import UNGROUPED, ModelConfig
from interject.training.nano.recipe import nano_layout

if TYPE_CHECKING:
    from interject.model_runtime.network.kv_cache import KVCache

SMALL_CONTEXT = 3_328
"""As many positions as let 1,000 sessions fit on a card of 141 GB in bfloat16."""
LEAST_CONTEXT = 2_048
"""As long as one minute is heard."""
TINY_CONTEXT = 256
TINY_TEXT = 256
GRAPHS_BYTES = 2 << 30
"""Recorded steps, with what they compute in."""
_E4M3_CODES = 0x60
_E4M3_SCALE = 0.1


def tokenizer(vocabulary: int) -> Tokenizer:
    """A word for each id, so that a token costs its text."""
    words = {f"w{number}": number for number in range(vocabulary)}
    return Tokenizer(models.WordLevel(words, "w0"))


def true_model(device: torch.device, grouping: int = UNGROUPED) -> Model:
    """3.8 billion random weights."""
    config = ModelConfig().with_grouping(grouping)
    words = tokenizer(config.decoder.vocabulary)
    model = frozen(random_model(config, tokenizer=words, dtype=torch.bfloat16, device=device))
    freed(device)
    return model


def tiny_model(grouping: int = UNGROUPED) -> Model:
    """For a smoke run on the CPU."""
    config = replace(tiny_config(TINY_CONTEXT), layout=nano_layout(TINY_TEXT))
    grouped = config.with_grouping(grouping)
    return frozen(random_model(grouped, tokenizer=tokenizer(TINY_TEXT)))


def frozen(model: Model) -> Model:
    """As loaded weights are."""
    for module in (model.tower, model.decoder):
        module.requires_grad_(False)
    return model


def with_slots_of(model: Model, kv_cache_dtype: str) -> Model:
    """:raises ValueError: when slots have no such type in this version."""
    if kv_cache_dtype == "auto":
        return model
    if "kv_cache_dtype" not in {field.name for field in fields(model)}:
        raise ValueError("this version has slots of the model's own type alone")
    choice: dict[str, Any] = {"kv_cache_dtype": torch.float8_e4m3fn}
    return replace(model, **choice)


def slots_dtype(model: Model) -> torch.dtype:
    """What slots hold."""
    held = getattr(model, "kv_cache_dtype", None)
    return held if isinstance(held, torch.dtype) else model.dtype


def fits(model: Model, slots: int) -> bool:
    """Whether so many slots have room beside what is allocated now."""
    if model.device.type != "cuda":
        return True
    free, total = torch.cuda.mem_get_info(model.device)
    needed = slots * slot_bytes(model.config.decoder, slots_dtype(model))
    return needed + GRAPHS_BYTES + margin(total) <= free


def fits_twice(model: Model, slots: int) -> bool:
    """Whether two processes with this model, each with so many slots, have room on its card."""
    if model.device.type != "cuda":
        return True
    free, total = torch.cuda.mem_get_info(model.device)
    size = footprint(model.config, model.dtype, slots_dtype(model))
    # This process gives its own weights back before.
    free += size.weights
    return 2 * (size.weights + slots * size.slot + GRAPHS_BYTES) + margin(total) <= free


def fill_with_noise(cache: KVCache) -> None:
    """Every position of every slot, a layer at a time."""
    for held in (cache.keys, cache.values):
        for layer in held:
            if layer.dtype is torch.float8_e4m3fn:
                layer.view(torch.uint8).random_(0, _E4M3_CODES)
            else:
                layer.normal_()
    scales = getattr(cache, "scales", None)
    if scales is not None:
        scales.fill_(_E4M3_SCALE)


def freed(device: torch.device) -> None:
    """Give back to the card what nobody holds. What the heap was frozen with is not seen else."""
    gc.unfreeze()
    gc.collect()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)

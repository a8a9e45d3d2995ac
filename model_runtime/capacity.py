"""How much memory a model takes on a GPU, and how many sessions fit beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.model_runtime.checkpoint.model import empty_modules
from interject.model_runtime.network.e4m3 import E4M3, SCALE_BYTES

if TYPE_CHECKING:
    import torch

    from interject.model_runtime.network.architecture import DecoderShape, ModelConfig

MOST_SLOTS = 1_024
"""What memory alone would allow for a small model is more than a process can serve."""
LEAST_MARGIN_BYTES = 1 << 30
MARGIN = 0.05
"""Of the card: workspaces of the libraries, recorded steps, rows and logits of one, fragments."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes of the weights, and for each slot."""

    weights: int
    slot: int

    def needed(self, slots: int, card_bytes: int) -> int:
        """With what is left free on a card of that size."""
        return self.weights + slots * self.slot + margin(card_bytes)

    def slots_in(self, free_bytes: int, card_bytes: int) -> int:
        """How many fit; below 1 when not even one does."""
        left = free_bytes - self.weights - margin(card_bytes)
        return min(MOST_SLOTS, left // self.slot)


def footprint(
    config: ModelConfig, dtype: torch.dtype, kv_cache_dtype: torch.dtype | None = None
) -> Footprint:
    """To a slot is counted what a step copies of it, a layer at a time."""
    modules = empty_modules(config)
    numbers = sum(p.numel() for module in modules for p in module.parameters())
    slot = slot_bytes(config.decoder, kv_cache_dtype or dtype)
    copied = 2 * slot_bytes(config.decoder, dtype) // config.decoder.layers
    return Footprint(numbers * dtype.itemsize, slot + copied)


def slot_bytes(shape: DecoderShape, dtype: torch.dtype) -> int:
    """Keys and values of a session in all layers, in e4m3 with their scales."""
    row = shape.head_dim * dtype.itemsize + (SCALE_BYTES if dtype is E4M3 else 0)
    return 2 * shape.layers * shape.context * shape.kv_heads * row


def margin(card_bytes: int) -> int:
    """What is left free on a card of that size."""
    return max(LEAST_MARGIN_BYTES, int(MARGIN * card_bytes))

"""One pass of the decoder over new rows of some slots, which grow by them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from interject.model_runtime.engine.forward_input import AUDIO
from interject.model_runtime.network.attention import Segment, SlotAttention

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from interject.model_runtime.checkpoint import Model
    from interject.model_runtime.engine.forward_input import ForwardInput
    from interject.model_runtime.network.kv_cache import KVCache


def forward(model: Model, cache: KVCache, batch: Sequence[tuple[int, ForwardInput]]) -> Tensor:
    """All rows of all inputs, each for its slot, at once: hidden states [rows, width].

    Two threads may do this at a time, with slots of their own.
    """
    decoder, device = model.decoder, model.device
    ids = torch.tensor([i for _, inputs in batch for i in inputs.ids], device=device)
    sound = ids == AUDIO
    rows = decoder.embed(ids.masked_fill(sound, 0))
    embeddings = [e for _, inputs in batch for e in inputs.embeddings]
    if embeddings:
        rows[sound] = torch.cat(embeddings).to(rows.dtype)
    segments = [Segment(slot, cache.lengths[slot], len(inputs.ids)) for slot, inputs in batch]
    hidden = decoder.forward_rows(rows, SlotAttention(cache, segments))
    for segment in segments:
        cache.lengths[segment.slot] = segment.end
    return hidden

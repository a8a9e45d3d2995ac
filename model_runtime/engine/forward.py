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
    from interject.model_runtime.engine.forward_input import Feed
    from interject.model_runtime.network.kv_cache import SlotMemory


def forward(model: Model, memory: SlotMemory, work: Sequence[tuple[int, Feed]]) -> Tensor:
    """All rows of all feeds, each for its slot, at once: hidden states [rows, width].

    Two threads may do this at a time, with slots of their own.
    """
    decoder, device = model.decoder, model.device
    ids = torch.tensor([i for _, feed in work for i in feed.ids], device=device)
    sound = ids == AUDIO
    rows = decoder.embed(ids.masked_fill(sound, 0))
    embeddings = [e for _, feed in work for e in feed.embeddings]
    if embeddings:
        rows[sound] = torch.cat(embeddings).to(rows.dtype)
    segments = [Segment(slot, memory.lengths[slot], len(feed.ids)) for slot, feed in work]
    hidden = decoder.forward_rows(rows, SlotAttention(memory, segments))
    for segment in segments:
        memory.lengths[segment.slot] = segment.end
    return hidden

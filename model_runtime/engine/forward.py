"""One pass of the decoder over new rows of some slots, which grow by them."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import torch

from interject.model_runtime.engine.forward_input import AUDIO
from interject.model_runtime.network.attention import Segment
from interject.model_runtime.network.transfer import to_device

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from interject.model_runtime.engine.forward_input import ForwardInput
    from interject.model_runtime.network.backend import Backend


class Hidden(NamedTuple):
    """Hidden states [rows, width]: where a decision is wanted, then where a token is."""

    decisions: Tensor
    tokens: Tensor


def forward(backend: Backend, batch: Sequence[tuple[int, ForwardInput]]) -> Hidden:
    """All rows of all inputs, each for its slot, at once.

    Two threads may do this at a time, with slots of their own.
    """
    cache = backend.cache
    rows = gather_rows(backend, [inputs for _, inputs in batch])
    segments = [Segment(slot, cache.lengths[slot], len(inputs.ids)) for slot, inputs in batch]
    decisions: list[int] = []
    tokens: list[int] = []
    first = 0
    for _, inputs in batch:
        decisions += [first + end for end in inputs.block_ends]
        first += len(inputs.ids)
        if inputs.wants_token:
            tokens.append(first - 1)
    hidden = backend.forward(rows, segments, decisions + tokens)
    for segment in segments:
        cache.lengths[segment.slot] = segment.end
    return Hidden(hidden[: len(decisions)], hidden[len(decisions) :])


def fill(backend: Backend, slot: int, rows: Tensor) -> None:
    """More of a slot, where nothing is decided or drawn."""
    segment = Segment(slot, backend.cache.lengths[slot], len(rows))
    backend.forward(rows, [segment], ())
    backend.cache.lengths[slot] = segment.end


def gather_rows(backend: Backend, batch: Sequence[ForwardInput]) -> Tensor:
    """What the decoder is fed, [rows, width] on its device."""
    device = backend.cache.keys.device
    ids = torch.tensor([i for inputs in batch for i in inputs.ids], dtype=torch.int64)
    sound = ids == AUDIO
    rows = backend.decoder.embed(to_device(ids.masked_fill(sound, 0), device))
    embeddings = [e for inputs in batch for e in inputs.embeddings]
    if embeddings:
        there = torch.cat(list(_on_device(embeddings, device)))
        rows[to_device(sound.nonzero()[:, 0], device)] = there.to(rows.dtype)
    return rows


def _on_device(embeddings: Sequence[Tensor], device: torch.device) -> Iterator[Tensor]:
    """What was encoded in this step lies there already; what waits, or is fed again, does not."""
    for on_host, some in groupby(embeddings, key=lambda tensor: tensor.is_cpu):
        if on_host and device.type != "cpu":
            yield to_device(torch.cat(list(some)), device)
        else:
            yield from some

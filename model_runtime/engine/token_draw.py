"""Drawing the next tokens of all replies at once, on the device."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import Enum
from itertools import chain
from typing import TYPE_CHECKING

import torch

from interject.model_runtime.network.transfer import to_device

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

_ID_BITS = 32
_CPU_BLOCK, _GPU_BLOCK = 1 << 19, 1 << 22
"""Logits of sampled rows that are looked at together: what a cache holds; 200 MB of scratch."""


@dataclass(frozen=True, slots=True)
class TokenDraw:
    """How a token is drawn among those of its row; `uniform`, in [0, 1), is its chance."""

    temperature: float
    top_k: int
    top_p: float
    uniform: float


@dataclass(frozen=True, slots=True)
class DrawnTokens:
    """`ids` [rows] and the largest logit of each row, on the device that computed them."""

    ids: Tensor
    largest: Tensor


def draw_tokens(logits: Tensor, draws: Sequence[TokenDraw | None]) -> DrawnTokens:
    """One token for each row of masked logits [rows, vocabulary]. Nothing waits for the device.

    A row of which the largest logit is no finite number gets some token that means nothing.
    """
    largest = logits.max(-1)
    ids = largest.indices
    sampled = [(row, draw) for row, draw in enumerate(draws) if draw is not None]
    if not sampled:
        return DrawnTokens(ids, largest.values)
    blocks = list(_blocks(sampled, logits))
    settings = _settings_on(logits, list(chain.from_iterable(blocks)))
    parts = settings.split([len(block) for block in blocks], dim=1)
    for block, part in zip(blocks, parts, strict=True):
        rows = part[0].long()
        distances = largest.values[rows, None] - logits[rows]
        ordered = _ordered(distances, [draw for _, draw in block])
        ids = ids.index_copy(0, rows, _drawn(*ordered, part, ids[rows]))
    return DrawnTokens(ids, largest.values)


class _Order(Enum):
    """In which tokens are added up. What a row's settings do not need is not sorted for it."""

    BY_ID = "by id"
    LIKELIEST = "the likeliest top_k"
    ALL = "all, the likeliest first"


def _order(draw: TokenDraw, vocabulary: int) -> _Order:
    if 0 < draw.top_k < vocabulary:
        return _Order.LIKELIEST
    return _Order.ALL if draw.top_p < 1.0 else _Order.BY_ID


def _blocks(
    sampled: list[tuple[int, TokenDraw]], logits: Tensor
) -> Iterator[list[tuple[int, TokenDraw]]]:
    """Rows of one order, so few that what is computed for them is small."""
    vocabulary = logits.shape[-1]
    groups: dict[_Order, list[tuple[int, TokenDraw]]] = defaultdict(list)
    for row, draw in sampled:
        groups[_order(draw, vocabulary)].append((row, draw))
    size = max(1, (_GPU_BLOCK if logits.is_cuda else _CPU_BLOCK) // vocabulary)
    for group in groups.values():
        for begin in range(0, len(group), size):
            yield group[begin : begin + size]


def _settings_on(logits: Tensor, rows: Sequence[tuple[int, TokenDraw]]) -> Tensor:
    """Row, temperature, last place, top_p and chance, [5, rows]: one copy for all."""
    vocabulary = logits.shape[-1]
    columns = [
        (row, draw.temperature, min(draw.top_k or vocabulary, vocabulary) - 1, draw.top_p,
         draw.uniform)
        for row, draw in rows
    ]  # fmt: skip
    return to_device(torch.tensor(columns, dtype=torch.float64).T.contiguous(), logits.device)


def _ordered(distances: Tensor, draws: Sequence[TokenDraw]) -> tuple[Tensor, Tensor | None]:
    """Distances from the largest logit, and their ids; None when these count up.

    Tokens that are as likely as each other come by id, on every device. Floats without a
    sign, which 0 may have, are ordered as their bits are; with the id behind, no two are the same.
    """
    order = _order(draws[0], distances.shape[-1])
    if order is _Order.BY_ID:
        return distances, None
    bits = distances.abs().view(torch.int32)
    if order is _Order.ALL:
        ordered = bits.sort(stable=True)
        return ordered.values.view(torch.float32), ordered.indices
    ids = torch.arange(bits.shape[-1], device=bits.device)
    most = max(draw.top_k for draw in draws)
    keys = (bits.long() << _ID_BITS | ids).topk(most, largest=False).values
    return (keys >> _ID_BITS).int().view(torch.float32), keys & (1 << _ID_BITS) - 1


def _drawn(distances: Tensor, ids: Tensor | None, settings: Tensor, likeliest: Tensor) -> Tensor:
    """The first token at which the sum of probabilities exceeds the chance (inverse transform
    sampling, Devroye 1986, ch. II.2). Of `top_p`, the smallest set of tokens whose probability
    reaches it may be drawn (Holtzman et al. 2020).

    In double precision, so that devices differ by next to nothing. Where a sum that is computed in
    parallel does not rise, or is no number, the place found may be of a token without probability.
    """
    _, temperature, last, top_p, uniform = settings.unsqueeze(-1)
    last = last.long()
    weights = (distances.double() / -temperature).exp_()
    sums = weights.cumsum(-1)
    kept = sums.gather(-1, last)
    kept = sums.gather(-1, torch.searchsorted(sums, kept * top_p).clamp_(max=last))
    place = torch.searchsorted(sums, kept * uniform, right=True).clamp_(max=last)
    drawn = place if ids is None else ids.gather(-1, place)
    return torch.where(weights.gather(-1, place) > 0, drawn, likeliest[:, None])[:, 0]

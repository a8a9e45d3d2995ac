"""The paper's loss: text and control, each a cross-entropy over the whole vocabulary.

L = (1 / N) * (sum of text + weight * sum of control), N all positions that teach. With a weight of
1 that is plain cross-entropy over all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from interject.training.sequences.sequence import MASKED

if TYPE_CHECKING:
    from interject.model_runtime.network.decoder import Decoder
    from interject.model_runtime.network.layout import TokenLayout
    from interject.training.sequences.packing import PackedBatch

_BLOCK_ROWS = 512
"""Logits of the released vocabulary take 0.6 MB a row: they are computed again for the gradient."""


class DualLoss(NamedTuple):
    """Sums over `text_count` and `control_count` positions, so that batches can be added up.

    `odds` are the logits of respond less those of silent, one a chunk, without gradient.
    """

    text: Tensor
    control: Tensor
    text_count: int
    control_count: int
    odds: Tensor

    def weighted(self, control_weight: float) -> Tensor:
        """The numerator of L."""
        return self.text + control_weight * self.control

    @property
    def taught(self) -> int:
        """This batch's share of N."""
        return self.text_count + self.control_count


def dual_loss(
    decoder: Decoder, layout: TokenLayout, hidden: Tensor, batch: PackedBatch
) -> DualLoss:
    """Of hidden states [T, width]."""
    says, decides = batch.text_labels != MASKED, batch.control_labels != MASKED
    states = hidden[decides]
    pair = torch.tensor([layout.keep_silence, layout.text_begin], device=hidden.device)
    with torch.no_grad():
        silent, respond = decoder.logits(states, pair).float().unbind(-1)
    return DualLoss(
        text=_summed(decoder, hidden[says], batch.text_labels[says]),
        control=_summed(decoder, states, batch.control_labels[decides]),
        text_count=int(says.sum()),
        control_count=int(decides.sum()),
        odds=respond - silent,
    )


def _summed(decoder: Decoder, states: Tensor, labels: Tensor) -> Tensor:
    """Zero, with a gradient of zero, where nothing is to be learnt."""
    total = states.sum() * 0.0
    for rows, wanted in zip(states.split(_BLOCK_ROWS), labels.split(_BLOCK_ROWS), strict=True):
        if torch.is_grad_enabled():
            total = total + checkpoint(_block, decoder, rows, wanted, use_reentrant=False)
        else:
            total = total + _block(decoder, rows, wanted)
    return total.float()


def _block(decoder: Decoder, states: Tensor, labels: Tensor) -> Tensor:
    return functional.cross_entropy(decoder.logits(states).float(), labels, reduction="sum")

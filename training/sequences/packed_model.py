"""Tower and decoder on a packed row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from interject.training.sequences.dual_loss import DualLoss, dual_loss
from interject.training.sequences.packed_attention import PackedAttention

if TYPE_CHECKING:
    from interject.model_runtime.checkpoint import Model
    from interject.training.sequences.hearing import Hearing
    from interject.training.sequences.packing import PackedBatch


class PackedModel(nn.Module):
    """Teacher forcing. The modules are those of `model`, not copies.

    `products` is in what they are computed; None: as the weights are.
    With `new_rows_only` nothing is learnt about the embeddings of ordinary text. With `recompute`
    a block keeps nothing between the passes but its input (gradient checkpointing).
    """

    new_rows: Tensor

    def __init__(
        self,
        model: Model,
        hearing: Hearing,
        *,
        products: torch.dtype | None = None,
        new_rows_only: bool = False,
        recompute: bool = False,
    ) -> None:
        super().__init__()
        self.tower, self.decoder = model.tower, model.decoder
        self._layout = model.config.layout
        self._hearing = hearing
        self._products = products
        self._new_rows_only, self._recompute = new_rows_only, recompute
        rows = torch.zeros(model.config.decoder.vocabulary, dtype=torch.bool)
        rows[list(self._layout.named_ids().values())] = True
        self.register_buffer("new_rows", rows.to(model.device), persistent=False)

    def forward(self, batch: PackedBatch) -> DualLoss:
        """The losses of a batch, and how its chunks are decided. It may lie on the host."""
        device = self.new_rows.device
        batch = batch.to(device)
        with torch.autocast(device.type, self._products, enabled=self._products is not None):
            return dual_loss(self.decoder, self._layout, self.hidden(batch), batch)

    def hidden(self, batch: PackedBatch) -> Tensor:
        """Normed hidden states [T, width]."""
        x = self.mixed_rows(batch)
        cosine, sine = self.decoder.rotations(batch.positions, x.dtype)
        attend = PackedAttention(batch.lengths, x.device)
        for block in self.decoder.blocks:
            if self._recompute and torch.is_grad_enabled():
                x = checkpoint(block, x, cosine, sine, attend, use_reentrant=False)
            else:
                x = block(x, cosine, sine, attend)
        normed: Tensor = self.decoder.norm(x)
        return normed

    def mixed_rows(self, batch: PackedBatch) -> Tensor:
        """Embeddings of text and sound, as the decoder reads them: [T, width]."""
        text = self.decoder.embed(batch.ids)
        if self._new_rows_only:
            text = torch.where(self.new_rows[batch.ids][:, None], text, text.detach())
        states = [self._hearing.states(self.tower, sequence) for sequence in batch.sequences]
        sound = self.tower.adapt(torch.cat(states).to(text.device))
        return text.index_copy(0, batch.audio_at, sound.to(text.dtype))

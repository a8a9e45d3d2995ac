"""The decoder: rows of many sessions in one pass, each row attending to its own session's slot.

Architecture: Qwen2.5 (grouped-query attention with biases on q, k, v; rotary positions over
halves; SwiGLU; RMSNorm).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from interject.model_runtime.network.linear import Linear

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.model_runtime.network.architecture import DecoderShape
    from interject.model_runtime.network.attention import SlotAttention

    Attend = Callable[[Tensor, Tensor, Tensor], Tensor]


def rotary_angles(positions: Tensor, shape: DecoderShape) -> Tensor:
    """Angles [..., head_dim / 2] by which keys and queries at `positions` turn, float32."""
    half = torch.arange(0, shape.head_dim, 2, device=positions.device).float() / shape.head_dim
    return positions.float()[..., None] * (shape.rope_base**-half)


def rotate(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Turn pairs (i, i + head_dim / 2) of the last axis; rotations by a and b add up to a + b."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cosine - second * sine, second * cosine + first * sine), dim=-1)


def attend_causally(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Over whole sequences: q [..., T, heads, head_dim], k and v [..., T, kv_heads, head_dim]."""
    q, k, v = (t.transpose(-3, -2) for t in (q, k, v))
    mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
    return mixed.transpose(-3, -2)


class DecoderLayer(nn.Module):
    """One block. Attention itself is passed in: it differs between training and slots."""

    def __init__(self, shape: DecoderShape) -> None:
        super().__init__()
        self._shape = shape
        queries, keys = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
        self.attention_norm = nn.RMSNorm(shape.width, shape.norm_eps)
        self.qkv = Linear(shape.width, queries + 2 * keys)
        self.out = Linear(queries, shape.width, bias=False)
        self.feed_norm = nn.RMSNorm(shape.width, shape.norm_eps)
        self.gate_up = Linear(shape.width, 2 * shape.feed_forward, bias=False)
        self.down = Linear(shape.feed_forward, shape.width, bias=False)

    def project(self, x: Tensor, cosine: Tensor, sine: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[..., width] -> rotated q [..., heads, head_dim], rotated k and v [..., kv_heads, _]."""
        shape = self._shape
        heads = self.qkv(self.attention_norm(x)).unflatten(-1, (-1, shape.head_dim))
        q, k, v = heads.split((shape.heads, shape.kv_heads, shape.kv_heads), dim=-2)
        return rotate(q, cosine, sine), rotate(k, cosine, sine), v

    def forward(self, x: Tensor, cosine: Tensor, sine: Tensor, attend: Attend) -> Tensor:
        """[..., width] -> the same. Training calls the module, for the sake of its hooks."""
        return self.finish(x, attend(*self.project(x, cosine, sine)))

    def finish(self, x: Tensor, mixed: Tensor) -> Tensor:
        """Add attention's result [..., heads, head_dim] and the feed-forward to x."""
        x = x + self.out(mixed.flatten(-2))
        gate, up = self.gate_up(self.feed_norm(x)).chunk(2, dim=-1)
        return x + self.down(functional.silu(gate) * up)  # type: ignore[no-any-return]


class Decoder(nn.Module):
    """Embeddings in, hidden states out; the head is applied only where a token is wanted."""

    def __init__(self, shape: DecoderShape) -> None:
        super().__init__()
        self.shape = shape
        table = torch.empty(shape.vocabulary, shape.width)
        self.embedding = nn.Embedding(shape.vocabulary, shape.width, _weight=table)
        self.layers = nn.ModuleList(DecoderLayer(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width, shape.norm_eps)
        self.head = Linear(shape.width, shape.vocabulary, bias=False)

    @property
    def blocks(self) -> list[DecoderLayer]:
        """The layers, typed."""
        return cast("list[DecoderLayer]", list(self.layers))

    def embed(self, ids: Tensor) -> Tensor:
        """[...] int64 -> [..., width]."""
        return self.embedding(ids)  # type: ignore[no-any-return]

    def rotations(self, positions: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Cosines and sines [..., 1, head_dim / 2], ready to broadcast over heads."""
        angles = rotary_angles(positions, self.shape)[..., None, :]
        return angles.cos().to(dtype), angles.sin().to(dtype)

    def forward_train(self, embeddings: Tensor) -> Tensor:
        """Causal attention over whole sequences: [B, T, width] -> normed hidden [B, T, width]."""
        x = embeddings
        cosine, sine = self.rotations(torch.arange(x.shape[1], device=x.device), x.dtype)
        for layer in self.blocks:
            x = layer(x, cosine, sine, attend_causally)
        return self.norm(x)  # type: ignore[no-any-return]

    def forward_rows(self, rows: Tensor, attention: SlotAttention, *, read: bool = True) -> Tensor:
        """One step for the rows [R, width] of many sessions; returns normed hidden [R, width], or
        none where nobody is to `read` them: then the last layer fills its slots alone.

        `attention` knows which rows belong to which slot, writes their keys and values there and
        attends to all that the slot holds.
        """
        x, last = rows, len(self.layers) - 1
        cosine, sine = self.rotations(attention.positions, x.dtype)
        for index, layer in enumerate(self.blocks):
            q, k, v = layer.project(x, cosine, sine)
            if index == last and not read:
                attention.write(index, k, v)
                return x[:0]
            x = layer.finish(x, attention.attend(index, q, k, v))
        return self.norm(x)  # type: ignore[no-any-return]

    def logits(self, hidden: Tensor, token_ids: Tensor | None = None) -> Tensor:
        """Scores of all tokens, or only of `token_ids`: a decision needs two rows of the head."""
        if token_ids is None:
            return self.head(hidden)  # type: ignore[no-any-return]
        return hidden @ self.head.weight[token_ids].T

"""What a session's replies are drawn by: what may be drawn, and how."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import torch

from interject.model_runtime.engine.token_draw import TokenDraw

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.model_runtime.network.layout import TokenLayout
    from interject.model_runtime.protocol import Sampling

_SHORTEST_LOOP_TOKENS = 12
_UNIFORM_BITS = 53


class TokenMasks:
    """What may be drawn where: float masks [vocabulary] to add to logits."""

    def __init__(self, layout: TokenLayout, vocabulary: int, device: torch.device) -> None:
        self.text = torch.zeros(vocabulary, device=device)
        for first, last in layout.banned:
            self.text[first : last + 1] = -torch.inf
        self.text[layout.text_end] = 0.0
        self.emotion = torch.full((vocabulary,), -torch.inf, device=device)
        self.emotion[list(layout.emotions.values())] = 0.0


class Sampler:
    """Draws by a session's settings; the same seed draws the same tokens.

    Chance depends on the seed, the reply and the token's place in it, not on what was drawn before:
    another engine that goes on with a reply draws what this one would have drawn.
    """

    def __init__(self, settings: Sampling) -> None:
        self._settings = settings
        self._runs = [
            (length, length * max(settings.repetition_limit, -(-_SHORTEST_LOOP_TOKENS // length)))
            for length in range(1, settings.repetition_window + 1)
        ]

    def token_draw(self, *, reply_id: int, index: int) -> TokenDraw | None:
        """Of the token at this place of a reply; None takes the one with the largest logit."""
        known = self._settings
        if known.temperature <= 0.0:
            return None
        uniform = _uniform(known.seed, reply_id, index)
        return TokenDraw(known.temperature, known.top_k, known.top_p, uniform)

    def loops(self, tokens: Sequence[int]) -> bool:
        """Whether the end of `tokens` is one run, said over and over."""
        count = len(tokens)
        for length, span in self._runs:
            if span > count or tokens[-1] != tokens[-1 - length]:
                continue
            tail = list(tokens[-span:])
            if tail == tail[:length] * (span // length):
                return True
        return False


def _uniform(*numbers: int) -> float:
    digest = hashlib.blake2b(repr(numbers).encode(), digest_size=8).digest()
    bits = int.from_bytes(digest, "little") >> 8 * len(digest) - _UNIFORM_BITS
    return bits / (1 << _UNIFORM_BITS)

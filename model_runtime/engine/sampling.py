"""Drawing the next token of a reply."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from interject.model_runtime.network.layout import TokenLayout
    from interject.model_runtime.protocol import Sampling

_SHORTEST_LOOP_TOKENS = 12


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
        self._generator = torch.Generator()

    @property
    def greedy(self) -> bool:
        """Whether the largest logit always wins."""
        return self._settings.temperature <= 0.0

    def draw(self, logits: Tensor, *, reply_id: int, index: int) -> int:
        """One token from masked logits [vocabulary]; `place` counts the tokens of the reply."""
        if self.greedy:
            return int(logits.argmax())
        scores = logits.float().cpu()
        scores = (scores - scores.max()) / self._settings.temperature
        scores = _keep_top_k(scores, self._settings.top_k)
        probabilities = _keep_top_p(scores.softmax(-1), self._settings.top_p)
        self._generator.manual_seed(_seed(self._settings.seed, reply_id, index))
        return int(torch.multinomial(probabilities, 1, generator=self._generator))

    def loops(self, tokens: Sequence[int]) -> bool:
        """Whether the end of `tokens` is one run, said over and over."""
        for length in range(1, self._settings.repetition_window + 1):
            times = max(self._settings.repetition_limit, -(-_SHORTEST_LOOP_TOKENS // length))
            if length * times > len(tokens) or tokens[-1] != tokens[-1 - length]:
                continue
            tail = list(tokens[-length * times :])
            if tail == tail[:length] * times:
                return True
        return False


def _seed(*numbers: int) -> int:
    digest = hashlib.blake2b(repr(numbers).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def _keep_top_k(scores: Tensor, k: int) -> Tensor:
    if not 0 < k < len(scores):
        return scores
    return scores.masked_fill(scores < scores.topk(k).values[-1], -torch.inf)


def _keep_top_p(probabilities: Tensor, p: float) -> Tensor:
    """The smallest set of tokens whose probability reaches p (Holtzman et al. 2020)."""
    if p >= 1.0:
        return probabilities
    ordered, order = probabilities.sort(descending=True)
    outside = ordered.cumsum(0) - ordered >= p
    outside[0] = False
    return probabilities.index_fill(0, order[outside], 0.0)

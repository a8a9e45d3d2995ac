"""A loaded model: shapes, weights, tokenizer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from interject.model_runtime.network.decoder import Decoder
from interject.model_runtime.network.encoder import AudioTower, Grouping

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from interject.model_runtime.network.architecture import ModelConfig


@dataclass(frozen=True, slots=True)
class Model:
    """`tokenizer` is None for a checkpoint that ships none; then only ids can be put in.

    `kv_cache_dtype` is the type of slots; None: that of the weights.
    """

    config: ModelConfig
    tower: AudioTower
    decoder: Decoder
    tokenizer: Tokenizer | None = None
    kv_cache_dtype: torch.dtype | None = None

    @property
    def dtype(self) -> torch.dtype:
        """The type of the weights."""
        return self.decoder.embedding.weight.dtype

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.decoder.embedding.weight.device

    def with_context(self, positions: int) -> Model:
        """The same weights, for slots of so many positions. Sessions cannot move between the two:
        they forget at other times.
        """
        return replace(self, config=self.config.with_context(positions))

    def with_grouping(self, size: int) -> Model:
        """The same weights, so many of whose embeddings are put together: at first their mean, to
        which the decoder is yet to get used.

        :raises ValueError: when others are already, or they do not fill a chunk.
        """
        config = self.config.with_grouping(size)
        if config == self.config:
            return self
        tower, _ = empty_modules(config)
        tower.grouping = Grouping(config.tower.output, size).to(self.device, self.dtype)
        tower.load_state_dict(self.tower.state_dict(), strict=False, assign=True)
        tower.place_positions(self.device)
        return replace(self, config=config, tower=tower)

    def parameter_count(self) -> int:
        """Parameters of tower and decoder together."""
        return sum(p.numel() for module in (self.tower, self.decoder) for p in module.parameters())


def empty_modules(config: ModelConfig) -> tuple[AudioTower, Decoder]:
    """Tower and decoder whose parameters have shapes but take no memory."""
    with torch.device("meta"):
        tower, decoder = AudioTower(config.tower), Decoder(config.decoder)
    return tower.eval(), decoder.eval()


def random_model(
    config: ModelConfig,
    *,
    seed: int = 0,
    tokenizer: Tokenizer | None = None,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> Model:
    """Untrained weights of the given shapes, for training from zero, tests and timing."""
    with torch.random.fork_rng(devices=[]), torch.device(device):
        torch.manual_seed(seed)
        tower, decoder = AudioTower(config.tower), Decoder(config.decoder)
        torch.nn.init.normal_(decoder.embedding.weight)
    tower = tower.to(device)
    return Model(config, tower.eval().to(dtype), decoder.eval().to(dtype), tokenizer)

"""A model with random weights and full slots: the cost of a step, without a scheduler around it."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import torch

from benchmarks.result import percentile
from interject.model_runtime.network.architecture import (
    CHUNK_CONTROLS,
    DecoderShape,
    ModelConfig,
    TowerShape,
)
from interject.model_runtime.network.attention import Segment
from interject.model_runtime.network.backend import open_backend
from interject.model_runtime.network.decoder import Decoder
from interject.model_runtime.network.encoder import AudioTower
from interject.model_runtime.network.features import WINDOW_SAMPLES
from interject.model_runtime.network.kv_cache import KVCache
from interject.training.nano.recipe import nano_config
from interject.training.nano.tokenizer import TEXT_TOKENS

if TYPE_CHECKING:
    from collections.abc import Callable

WARM_UP = 3
CONTEXT = 512
SMOKE_CONTEXT = 128


def tiny_config(context: int = 256) -> ModelConfig:
    """A model that a smoke run can afford anywhere."""
    return ModelConfig(
        name="tiny",
        tower=TowerShape(width=32, layers=2, heads=2, feed_forward=64, output=32),
        decoder=DecoderShape(
            width=32, layers=2, heads=4, kv_heads=2, head_dim=16, feed_forward=64,
            vocabulary=512, context=context,
        ),
    )  # fmt: skip


def nano_rig(slots: int, *, smoke: bool) -> tuple[Rig, int]:
    """On the CPU, and how many positions are behind every session.

    Weights do not change what a step costs; the shapes are those of `nano`.
    """
    config = tiny_config() if smoke else nano_config(TEXT_TOKENS)
    rig = Rig(config, slots=slots, device=torch.device("cpu"), dtype=torch.float32)
    return rig, SMOKE_CONTEXT if smoke else CONTEXT


class Rig:
    """`slots` sessions, each of which has `context` positions behind it."""

    def __init__(
        self, config: ModelConfig, *, slots: int, device: torch.device, dtype: torch.dtype
    ) -> None:
        self.config = config
        self.device = device
        self.dtype = dtype
        with torch.device(device):
            default = torch.get_default_dtype()
            torch.set_default_dtype(dtype)
            try:
                self.tower = AudioTower(config.tower).to(device).eval().requires_grad_(False)
                self.decoder = Decoder(config.decoder).eval().requires_grad_(False)
            finally:
                torch.set_default_dtype(default)
        self.cache = KVCache(config.decoder, slots, dtype=dtype, device=device)
        for index in range(config.decoder.layers):
            self.cache.keys[index].normal_()
            self.cache.values[index].normal_()
        self.backend = open_backend(self.tower, self.decoder, self.cache, config.features)
        # Which two rows of the head compete does not change what they cost.
        self._controls = torch.tensor([0, 1], device=device)

    @torch.inference_mode()
    def decide(self, batch: int, context: int) -> torch.Tensor:
        """Features, tower, decoder and the two-token decision for a chunk of `batch` sessions.

        The chunk's positions are the last of `context`. Returns logits [batch, 2] on the host.
        """
        windows = 0.1 * torch.randn(batch, WINDOW_SAMPLES)
        heard, _ = self.backend.encode(windows, range(batch), [-math.inf] * batch)
        chunk = self.config.tower.chunk_positions
        control_ids = torch.zeros(batch, CHUNK_CONTROLS, dtype=torch.int64)
        controls = self.decoder.embed(control_ids.to(self.device))
        rows = torch.cat((controls[:, :2], heard, controls[:, 2:]), dim=1)
        segments = [Segment(slot, context - chunk, chunk) for slot in range(batch)]
        lasts = range(chunk - 1, batch * chunk, chunk)
        last = self.backend.forward(rows.flatten(0, 1), segments, lasts)
        return self.decoder.logits(last, self._controls).float().cpu()

    @torch.inference_mode()
    def decode(self, batch: int, context: int) -> torch.Tensor:
        """One reply token for each of `batch` sessions, greedy: ids [batch] on the host."""
        rows = self.decoder.embed(torch.zeros(batch, dtype=torch.int64, device=self.device))
        segments = [Segment(slot, context - 1, 1) for slot in range(batch)]
        hidden = self.backend.forward(rows, segments, range(batch))
        return self.decoder.logits(hidden).argmax(-1).cpu()

    def time_ms(self, work: Callable[[], object], repeats: int) -> list[float]:
        """Wall time of each repeat after a warm-up."""
        costs = []
        for _ in range(repeats + WARM_UP):
            self._wait()
            begun = time.perf_counter()
            work()
            self._wait()
            costs.append(1e3 * (time.perf_counter() - begun))
        return costs[WARM_UP:]

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def median(values: list[float]) -> float:
    return percentile(values, 50)

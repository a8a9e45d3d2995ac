"""Steps alone, over full slots: what the network costs, and what arithmetic says it must."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from benchmarks.gpu.subject import fill_with_noise, slots_dtype
from benchmarks.result import percentile
from interject.model_runtime.engine.forward import forward
from interject.model_runtime.engine.forward_input import AUDIO, ForwardInput
from interject.model_runtime.engine.sampling import TokenMasks
from interject.model_runtime.engine.token_draw import draw_tokens
from interject.model_runtime.engine.warm_up import make_current
from interject.model_runtime.network.architecture import TOWER_EMBEDDINGS
from interject.model_runtime.network.backend import TorchBackend, open_backend
from interject.model_runtime.network.features import WINDOW_SAMPLES
from interject.model_runtime.network.kv_cache import KVCache
from interject.model_runtime.network.transfer import HostCopy, wait_for_device

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.model_runtime.checkpoint import Model
    from interject.model_runtime.network.backend import Backend

COLUMNS = ["step", "p50, ms", "p99, ms", "PyTorch's modules p50, ms", "floor, ms"]
WARM_UP = 3
TOWER_ROWS = 2 * TOWER_EMBEDDINGS
COPIED_BYTES = 1 << 30
PRODUCT = 8_192


@dataclass(frozen=True)
class Ceilings:
    """What a card does at best."""

    bytes_a_s: float
    flops: float

    def __str__(self) -> str:
        return (
            f"device copy {self.bytes_a_s / 1e9:,.0f} GB/s (read and written), "
            f"product {self.flops / 1e12:,.1f} TFLOP/s"
        )


def ceilings(device: torch.device, *, tiny: bool) -> Ceilings:
    """A copy, and a product of two square matrices in bfloat16."""
    size, side = (1 << 20, 64) if tiny else (COPIED_BYTES, PRODUCT)
    dtype = torch.float32 if tiny else torch.bfloat16
    there = torch.ones(size, dtype=torch.uint8, device=device)
    other = torch.empty_like(there)
    left, right = torch.randn(2, side, side, device=device).to(dtype)
    out = torch.empty_like(left)
    copied = percentile(times_ms(lambda: other.copy_(there), device, 20), 50)
    multiplied = percentile(times_ms(lambda: torch.mm(left, right, out=out), device, 20), 50)
    return Ceilings(2e3 * size / copied, 2e3 * side**3 / multiplied)


def times_ms(work: Callable[[], object], device: torch.device, repeats: int) -> list[float]:
    """Each from the host's first call until the device is done."""
    costs = []
    for _ in range(WARM_UP + repeats):
        wait_for_device(device)
        begun = time.perf_counter()
        work()
        wait_for_device(device)
        costs.append(1e3 * (time.perf_counter() - begun))
    return costs[WARM_UP:]


class Steps:
    """Full slots, and what computes over them."""

    def __init__(self, model: Model, slots: int) -> None:
        make_current(model.device)
        self._model = model
        shape, layout = model.config.decoder, model.config.layout
        stored = slots_dtype(model)
        choice: dict[str, Any] = {} if stored is model.dtype else {"stored": stored}
        self._cache = KVCache(shape, slots, dtype=model.dtype, device=model.device, **choice)
        parts = (model.tower, model.decoder, self._cache, model.config.features)
        self.fused: Backend = open_backend(*parts)
        self.fused.capture()
        self.modules: Backend = TorchBackend(*parts)
        fill_with_noise(self._cache)
        self._windows = 0.1 * torch.randn(slots, WINDOW_SAMPLES)
        self._masks = TokenMasks(layout, shape.vocabulary, model.device)
        self._controls = torch.tensor(
            [layout.keep_silence, layout.text_begin], device=model.device
        )  # fmt: skip
        self._block = (
            layout.keep_silence,
            layout.audio_begin,
            *[AUDIO] * model.config.tower.chunk_embeddings,
            layout.assistant,
        )

    @torch.inference_mode()
    def run(self, backend: Backend, chunks: int, tokens: int) -> None:
        """Decide so many chunks and draw so many tokens, as the engine does, and wait for both."""
        batch = [
            (slot, ForwardInput((1,), wants_token=True)) for slot in range(chunks, chunks + tokens)
        ]
        if chunks:
            windows = self._windows[:chunks].clone()
            heard = backend.encode(windows, range(chunks), [-math.inf] * chunks)
            ends = (self._model.config.tower.chunk_positions - 1,)
            batch += [
                (slot, ForwardInput(self._block, (sound,), ends))
                for slot, sound in enumerate(heard.embeddings)
            ]
        for slot, inputs in batch:
            self._cache.lengths[slot] = self._cache.context - len(inputs.ids)
        hidden = forward(backend, batch)
        copies = []
        if chunks:
            logits = self._model.decoder.logits(hidden.decisions, self._controls)
            copies += [heard.loudest, HostCopy(logits.float())]
        if tokens:
            logits = self._model.decoder.logits(hidden.tokens).float() + self._masks.text
            drawn = draw_tokens(logits, [None] * tokens)
            copies += [HostCopy(drawn.ids), HostCopy(drawn.largest)]
        for copy in copies:
            copy.take()

    def row(
        self, chunks: int, tokens: int, limits: Ceilings, *, repeats: int, beside: bool
    ) -> list[str]:
        """`beside`: the modules' time as well."""
        device = self._model.device
        costs = times_ms(lambda: self.run(self.fused, chunks, tokens), device, repeats)
        other = "-"
        if beside:
            slow = times_ms(lambda: self.run(self.modules, chunks, tokens), device, repeats // 2)
            other = f"{percentile(slow, 50):.2f}"
        parts = [f"{chunks} chunks decided"] * bool(chunks) + [f"{tokens} tokens"] * bool(tokens)
        return [
            " + ".join(parts),
            f"{percentile(costs, 50):.2f}",
            f"{percentile(costs, 99):.2f}",
            other,
            f"{1e3 * floor_s(self._model, chunks, tokens, limits):.2f}",
        ]


def floor_s(model: Model, chunks: int, tokens: int, limits: Ceilings) -> float:
    """Each part at its ceiling: weights read once, keys and values of full slots read once."""
    shape, size = model.config.decoder, model.dtype.itemsize
    head = model.decoder.head.weight.numel()
    outside = head + model.decoder.embedding.weight.numel()
    layers = sum(p.numel() for p in model.decoder.parameters()) - outside
    rows = model.config.tower.chunk_positions * chunks + tokens
    held = 2 * shape.layers * shape.context * shape.kv_heads * shape.head_dim
    looked_at = 4 * shape.layers * shape.context * shape.heads * shape.head_dim

    def at_least(bytes_read: float, flops: float) -> float:
        return max(bytes_read / limits.bytes_a_s, flops / limits.flops)

    needed = at_least(layers * size, 2 * layers * rows)
    needed += at_least((chunks + tokens) * held * slots_dtype(model).itemsize, looked_at * rows)
    if chunks:
        tower = sum(p.numel() for p in model.tower.parameters())
        needed += at_least(tower * size, 2 * tower * TOWER_ROWS * chunks)
    if tokens:
        needed += at_least(head * size, 2 * head * tokens)
    return needed

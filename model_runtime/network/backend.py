"""What computes a step: PyTorch's modules, or on a GPU Triton's kernels on the same weights."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple, Protocol

import torch

from interject.model_runtime.network.attention import SlotAttention
from interject.model_runtime.network.features import clamp_and_scale, log_mel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from interject.model_runtime.network.architecture import FeatureConfig
    from interject.model_runtime.network.attention import Segment
    from interject.model_runtime.network.decoder import Decoder
    from interject.model_runtime.network.encoder import AudioTower
    from interject.model_runtime.network.kv_cache import KVCache


class EncodedChunks(NamedTuple):
    """Embeddings [P, 10, width], and the loudest log-mel value up to and including each chunk."""

    embeddings: Tensor
    loudest: list[float]


class Backend(Protocol):
    """One model on one device, over the slots of `cache`. Two threads may use it at a time, each
    for slots of its own.
    """

    decoder: Decoder
    cache: KVCache

    def encode(
        self, windows: Tensor, sessions: Sequence[int], loudest: Sequence[float]
    ) -> EncodedChunks:
        """Chunks of many sessions with their surroundings, float32 [P, 6640] on the host.

        `sessions` says whose each is, a session's oldest first; `loudest` is what was loudest in
        each session before.
        """

    def forward(self, rows: Tensor, segments: Sequence[Segment], wanted: Sequence[int]) -> Tensor:
        """Write the rows' keys and values into their slots, which do not grow by it, and attend.

        `rows` [R, width] lie in the order of their segments and may be changed. Returns the normed
        hidden states of the rows that are `wanted`, in that order.
        """


class TorchBackend:
    """The modules themselves, on any device."""

    def __init__(
        self, tower: AudioTower, decoder: Decoder, cache: KVCache, features: FeatureConfig
    ) -> None:
        self.decoder = decoder
        self.cache = cache
        self._tower = tower
        self._features = features

    def encode(
        self, windows: Tensor, sessions: Sequence[int], loudest: Sequence[float]
    ) -> EncodedChunks:
        weight, so_far = self._tower.proj.weight, list(loudest)
        spectra = log_mel(windows.to(weight.device), self._features)
        running: list[float] = []
        for session, peak in zip(sessions, spectra.amax(dim=(-2, -1)).tolist(), strict=True):
            so_far[session] = max(so_far[session], peak)
            running.append(so_far[session])
        ceiling = torch.tensor(running, device=spectra.device)[:, None, None]
        mel = clamp_and_scale(spectra, ceiling, self._features).to(weight.dtype)
        return EncodedChunks(self._tower(mel), running)

    def forward(self, rows: Tensor, segments: Sequence[Segment], wanted: Sequence[int]) -> Tensor:
        hidden = self.decoder.forward_rows(rows, SlotAttention(self.cache, segments))
        return hidden[torch.tensor(wanted, dtype=torch.int64, device=hidden.device)]


def open_backend(
    tower: AudioTower, decoder: Decoder, cache: KVCache, features: FeatureConfig
) -> Backend:
    """The fastest for the device on which the slots are."""
    if _has_kernels(cache.keys.device):
        from interject.model_runtime.network.kernels.backend import TritonBackend

        return TritonBackend(tower, decoder, cache, features)
    return TorchBackend(tower, decoder, cache, features)


def _has_kernels(device: torch.device) -> bool:
    """Triton compiles for sm_80 and later."""
    return (
        device.type == "cuda"
        and find_spec("triton") is not None
        and torch.cuda.get_device_capability(device) >= (8, 0)
    )

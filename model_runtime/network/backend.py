"""What computes a step: PyTorch's modules, or on a GPU Triton's kernels on the same weights."""

from __future__ import annotations

import logging
import math
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple, Protocol

import torch

from interject.model_runtime.network.architecture import CHUNK_CONTROLS
from interject.model_runtime.network.attention import Segment, SlotAttention
from interject.model_runtime.network.features import WINDOW_SAMPLES, clamp_and_scale, log_mel
from interject.model_runtime.network.transfer import HostCopy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from interject.model_runtime.network.architecture import FeatureConfig
    from interject.model_runtime.network.decoder import Decoder
    from interject.model_runtime.network.encoder import AudioTower
    from interject.model_runtime.network.kv_cache import KVCache

LEAST_LIKENESS = 0.98
"""Cosine of two results. Rounding to bfloat16 through all layers leaves more; a kernel that reads
another row, or leaves one out, much less.
"""

logger = logging.getLogger(__name__)


class EncodedChunks(NamedTuple):
    """Embeddings [P, `chunk_embeddings`, width], and the loudest log-mel value up to and including
    each chunk, float32 [P].
    """

    embeddings: Tensor
    loudest: HostCopy


class Backend(Protocol):
    """One model on one device, over the slots of `cache`. Two threads may use it at a time, each
    for slots of its own.
    """

    decoder: Decoder
    cache: KVCache

    @property
    def asynchronous(self) -> bool:
        """Whether the device still computes when a call returns."""

    def capture(self, *, fill_rows: int = 0) -> None:
        """Record steps of usual sizes, if that makes them faster for the thread that calls; and
        for all others slots that are filled, at most so many rows at a time.
        """

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

    @property
    def asynchronous(self) -> bool:
        return self.cache.keys.device.type != "cpu"

    def capture(self, *, fill_rows: int = 0) -> None:
        """There is nothing to record."""

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
        return EncodedChunks(self._tower(mel), HostCopy(torch.tensor(running)))

    def forward(self, rows: Tensor, segments: Sequence[Segment], wanted: Sequence[int]) -> Tensor:
        attention = SlotAttention(self.cache, segments)
        hidden = self.decoder.forward_rows(rows, attention, read=len(wanted) > 0)
        return hidden[torch.tensor(wanted, dtype=torch.int64, device=hidden.device)]


def open_backend(
    tower: AudioTower, decoder: Decoder, cache: KVCache, features: FeatureConfig
) -> Backend:
    """The fastest for the device on which the slots are. No slot may be in use yet."""
    modules = TorchBackend(tower, decoder, cache, features)
    if not _has_kernels(cache.keys.device):
        return modules
    from interject.model_runtime.network.kernels.backend import TritonBackend

    return checked(lambda: TritonBackend(tower, decoder, cache, features), modules)


def checked(make_kernels: Callable[[], Backend], modules: Backend) -> Backend:
    """The kernels, if they compile on this card and compute there what the modules do.

    :raises torch.AcceleratorError: when the device itself has failed.
    :raises torch.OutOfMemoryError: when there is no memory for either.
    """
    try:
        kernels = make_kernels()
        likeness = _likeness(kernels, modules)
    except (torch.AcceleratorError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        logger.warning(
            "the kernels fail on this card; PyTorch's modules compute there",
            extra={"error_type": type(error).__name__},
        )
        return modules
    if likeness >= LEAST_LIKENESS:
        return kernels
    logger.warning(
        "the kernels compute something else on this card; PyTorch's modules compute there",
        extra={"value": round(likeness, 4)},
    )
    return modules


def _likeness(kernels: Backend, modules: Backend) -> float:
    """Of noise that both encode and pass on, as a chunk and a token behind it: 1 for the same, 0
    where one is not finite.
    """
    generator = torch.Generator().manual_seed(0)
    windows = 0.1 * torch.randn(2, WINDOW_SAMPLES, generator=generator)
    cache, weight = modules.cache, modules.decoder.embedding.weight
    pairs = []
    for backend in (kernels, modules):
        embeddings = backend.encode(windows, (0, 0), (0.0,)).embeddings
        chunk = embeddings.shape[1] + CHUNK_CONTROLS
        rows = torch.randn(chunk + 1, weight.shape[1], generator=generator.manual_seed(1))
        segments = Segment(0, 0, chunk), Segment(0, chunk, 1)
        hidden = backend.forward(rows.to(weight.device, weight.dtype), segments, range(len(rows)))
        cache.clear(0)
        pairs.append((embeddings.float().flatten(), hidden.float().flatten()))
    alike = [torch.cosine_similarity(one, other, dim=0) for one, other in zip(*pairs, strict=True)]
    return min(value if math.isfinite(value) else 0.0 for value in map(float, alike))


def _has_kernels(device: torch.device) -> bool:
    """Triton compiles for sm_80 and later."""
    return (
        device.type == "cuda"
        and find_spec("triton") is not None
        and torch.cuda.get_device_capability(device) >= (8, 0)
    )

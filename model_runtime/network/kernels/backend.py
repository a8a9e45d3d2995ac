"""A step computed by Triton's kernels: on an NVIDIA GPU, or on a CPU by Triton's interpreter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from interject.model_runtime.network.backend import EncodedChunks
from interject.model_runtime.network.kernels.decoder import FusedDecoder, Tiling, tiling
from interject.model_runtime.network.kernels.features import ProductLogMel
from interject.model_runtime.network.kernels.tower import FusedTower
from interject.model_runtime.network.transfer import HostCopy, to_device

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from interject.model_runtime.network.architecture import FeatureConfig
    from interject.model_runtime.network.attention import Segment
    from interject.model_runtime.network.decoder import Decoder
    from interject.model_runtime.network.encoder import AudioTower
    from interject.model_runtime.network.kv_cache import KVCache


class TritonBackend:
    """Nothing here waits for the device."""

    def __init__(
        self,
        tower: AudioTower,
        decoder: Decoder,
        cache: KVCache,
        features: FeatureConfig,
        *,
        tiles: Tiling | None = None,
    ) -> None:
        self.decoder = decoder
        self.cache = cache
        self._device = cache.keys.device
        self._dtype = tower.proj.weight.dtype
        self._log_mel = ProductLogMel(features, self._device)
        self._tower = FusedTower(tower)
        self._rows = FusedDecoder(
            decoder, cache, tiles or tiling(self._device, cache.keys.dtype)
        )  # fmt: skip
        with torch.cuda.device_of(cache.keys):
            self._rows.compile()

    @property
    def asynchronous(self) -> bool:
        return self._device.type != "cpu"

    def encode(
        self, windows: Tensor, sessions: Sequence[int], loudest: Sequence[float]
    ) -> EncodedChunks:
        """The loudest values come to the host while the tower runs."""
        with torch.cuda.device_of(self.cache.keys):
            mel, running = self._log_mel(
                to_device(windows, self._device),
                to_device(torch.tensor(sessions), self._device),
                to_device(torch.tensor(loudest), self._device),
            )
            running_copy = HostCopy(running)
            return EncodedChunks(self._tower(mel.to(self._dtype)), running_copy)

    def forward(self, rows: Tensor, segments: Sequence[Segment], wanted: Sequence[int]) -> Tensor:
        """The kernels run on the device of the slots, whichever is the thread's current one."""
        self.cache.require_room(segments)
        with torch.cuda.device_of(self.cache.keys):
            return self._rows(rows, segments, wanted)

"""A step computed by Triton's kernels: on an NVIDIA GPU, or on a CPU by Triton's interpreter."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from interject.model_runtime.network.backend import EncodedChunks
from interject.model_runtime.network.kernels.buckets import (
    CHUNKS,
    FILLED_CHUNKS,
    BucketedDecoder,
    BucketedEncoder,
    fill_sizes,
    usual_steps,
)
from interject.model_runtime.network.kernels.decoder import FusedDecoder, Tiling, tiling
from interject.model_runtime.network.kernels.features import ProductLogMel
from interject.model_runtime.network.kernels.recording import Recorder, cannot_be_recorded
from interject.model_runtime.network.kernels.step_tables import HostTables
from interject.model_runtime.network.kernels.tower import FusedTower
from interject.model_runtime.network.transfer import HostCopy, to_device

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from interject.model_runtime.network.architecture import FeatureConfig
    from interject.model_runtime.network.attention import Segment
    from interject.model_runtime.network.decoder import Decoder
    from interject.model_runtime.network.encoder import AudioTower
    from interject.model_runtime.network.kernels.step_tables import StepSize
    from interject.model_runtime.network.kv_cache import KVCache

logger = logging.getLogger(__name__)


class TritonBackend:
    """Nothing here waits for the device. Steps of usual sizes are recorded by `capture`, and from
    then on replayed for the thread that called it, and slots that are filled for all other threads;
    what has another size is launched kernel by kernel.
    """

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
        self._chunk_rows = tower.shape.chunk_positions
        self._log_mel = ProductLogMel(features, self._device)
        self._tower = FusedTower(tower)
        self._rows = FusedDecoder(decoder, cache, tiles or tiling(self._device, cache.dtype))
        self._captured: _Captured | None = None
        self._owner: int | None = None
        self._shared: _Captured | None = None
        with torch.cuda.device_of(cache.keys):
            self._rows.compile()

    @property
    def asynchronous(self) -> bool:
        return self._device.type != "cpu"

    def capture(
        self,
        steps: Sequence[StepSize] | None = None,
        chunks: Sequence[int] = CHUNKS,
        *,
        fill_rows: int = 0,
    ) -> None:
        """Of these sizes. Tensors that stay where they are have one owner, the thread that calls;
        all other threads share some.

        :raises torch.AcceleratorError: when the device itself has failed.
        :raises torch.OutOfMemoryError: when there is no memory for it.
        """
        try:
            with torch.inference_mode(), torch.cuda.device_of(self.cache.keys):
                self._captured = self._capture(steps or self._usual_steps(), chunks)
                self._owner = threading.get_ident()
                if fill_rows:
                    sizes = fill_sizes(fill_rows, tile_rows=self._rows.tile_rows)
                    self._shared = self._capture(sizes, FILLED_CHUNKS)
        except Exception as error:
            if not cannot_be_recorded(error):
                raise
            logger.warning(
                "steps cannot be recorded on this card; each kernel is launched by itself",
                extra={"error_type": type(error).__name__},
            )

    def _capture(self, steps: Sequence[StepSize], chunks: Sequence[int]) -> _Captured:
        recorder = Recorder(self._device)
        weight = self.decoder.embedding.weight
        rows = weight.new_zeros(max(size.rows for size in steps), weight.shape[1])
        return _Captured(
            threading.Lock(),
            BucketedDecoder(self._rows, rows, sizes=steps, recorder=recorder),
            BucketedEncoder(self._encode, self._device, sizes=chunks, recorder=recorder),
        )

    def _usual_steps(self) -> tuple[StepSize, ...]:
        return usual_steps(
            slots=len(self.cache.lengths),
            tile_rows=self._rows.tile_rows,
            chunk_rows=self._chunk_rows,
        )

    @property
    def _mine(self) -> _Captured | None:
        """What was captured for the thread that asks."""
        return self._captured if self._owner == threading.get_ident() else self._shared

    def encode(
        self, windows: Tensor, sessions: Sequence[int], loudest: Sequence[float]
    ) -> EncodedChunks:
        with torch.cuda.device_of(self.cache.keys):
            captured = self._mine
            size = captured.encoder.size_for(len(windows)) if captured else None
            if captured is None or size is None:
                embeddings, running = self._encode(
                    to_device(windows, self._device),
                    to_device(torch.tensor(sessions), self._device),
                    to_device(torch.tensor(loudest), self._device),
                )
            else:
                with captured.lock:
                    embeddings, running = captured.encoder(size, windows, sessions, loudest)
            return EncodedChunks(embeddings, HostCopy(running))

    def _encode(self, windows: Tensor, sessions: Tensor, loudest: Tensor) -> tuple[Tensor, Tensor]:
        mel, running = self._log_mel(windows, sessions, loudest)
        return self._tower(mel.to(self._dtype)), running

    def forward(self, rows: Tensor, segments: Sequence[Segment], wanted: Sequence[int]) -> Tensor:
        """The kernels run on the device of the slots, whichever is the thread's current one."""
        self.cache.require_room(segments)
        with torch.cuda.device_of(self.cache.keys):
            tables = HostTables(segments, wanted, tile_rows=self._rows.tile_rows)
            captured = self._mine
            size = captured.decoder.size_for(tables.size) if captured else None
            if captured is None or size is None:
                return self._rows(rows, tables.on(self._device))
            with captured.lock:
                return captured.decoder(size, rows, tables)


@dataclass(frozen=True, slots=True)
class _Captured:
    """In memory of its own. `lock` is held from where a step is put until its results were copied:
    the device does these in the order in which it is asked.
    """

    lock: threading.Lock
    decoder: BucketedDecoder
    encoder: BucketedEncoder

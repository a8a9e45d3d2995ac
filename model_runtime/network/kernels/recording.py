"""What a GPU is told in one go: the launches of a call, recorded once as a CUDA graph."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, TypeVar

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
WARM_UP_CALLS = 2
"""Whatever is compiled, chosen or allocated at first is not part of what is recorded."""
_CAPTURE_ERRORS = range(900, 909)
"""CUDA's `cudaErrorStreamCapture...`: of what may not be recorded, on a device that is well."""


class Recorder:
    """Records calls that read and write tensors which stay where they are. A CPU has nothing to
    record: there a call is made anew each time.

    The recordings share memory: what one returned is gone when another is replayed. They share a
    stream, too, because a library keeps a workspace for every stream that it ever computed on:
    cuBLAS 32 MiB on a Hopper.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._beside: torch.cuda.Stream | None = None
        if device.type == "cuda":
            self._beside = torch.cuda.Stream(device)
            self._pool = torch.cuda.graph_pool_handle()

    def record(self, call: Callable[[], T]) -> Callable[[], T]:
        """What does the same, and returns the same tensors each time."""
        if self._beside is None:
            return call
        here, graph = torch.cuda.current_stream(self._device), torch.cuda.CUDAGraph()
        self._beside.wait_stream(here)
        # PyTorch leaves this stream the thread's current one when a recording fails.
        with torch.cuda.stream(self._beside):
            for _ in range(WARM_UP_CALLS):
                call()
            result = self._captured(graph, call, self._beside)
        here.wait_stream(self._beside)

        def replay() -> T:
            graph.replay()
            return result

        return replay

    def _captured(
        self, graph: torch.cuda.CUDAGraph, call: Callable[[], T], stream: torch.cuda.Stream
    ) -> T:
        try:
            with torch.cuda.graph(
                graph, pool=self._pool, stream=stream, capture_error_mode="thread_local"
            ):
                return call()
        except Exception:
            # Else the allocator takes the recording to be under way, and never frees what it keeps.
            with contextlib.suppress(RuntimeError):
                torch._C._cuda_endAllocateToPool(stream.device_index, self._pool)
            raise


def cannot_be_recorded(error: Exception) -> bool:
    """Whether it says so of a call, and nothing of the device or its memory."""
    if isinstance(error, torch.AcceleratorError):
        return getattr(error, "error_code", None) in _CAPTURE_ERRORS
    return not isinstance(error, torch.OutOfMemoryError)

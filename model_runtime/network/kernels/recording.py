"""What a GPU is told in one go: the launches of a call, recorded once as a CUDA graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
WARM_UP_CALLS = 2
"""Whatever is compiled, chosen or allocated at first is not part of what is recorded."""


class Recording(Generic[T]):
    """A call that reads and writes tensors which stay where they are. A CPU has nothing to record:
    there it is made anew each time.

    Recordings that share `pool` share memory: what one returned is gone when another is replayed.
    """

    def __init__(self, call: Callable[[], T], device: torch.device, pool: Any) -> None:
        """`pool` is what `torch.cuda.graph_pool_handle` gave."""
        self._call = call
        self._graph: torch.cuda.CUDAGraph | None = None
        if device.type != "cuda":
            return
        beside = torch.cuda.Stream(device)
        beside.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(beside):
            for _ in range(WARM_UP_CALLS):
                call()
        torch.cuda.current_stream(device).wait_stream(beside)
        torch.cuda.synchronize(device)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=pool, capture_error_mode="thread_local"):
            self._result = call()
        self._graph = graph

    def replay(self) -> T:
        """What the call returns."""
        if self._graph is None:
            return self._call()
        self._graph.replay()
        return self._result

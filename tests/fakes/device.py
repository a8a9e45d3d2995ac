"""A device that fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from interject.model_runtime.engine.engine import Engine


class Device:
    """Once it is `broken`, whatever touches the memory that lies on it fails, for good."""

    def __init__(self) -> None:
        self.broken = False

    def carry(self, engine: Engine) -> None:
        """Have it hold the memory of the engine's sessions."""
        device, memory = self, engine.kv_cache

        class OnDevice(torch.Tensor):
            @classmethod
            def __torch_function__(cls, func: Any, *rest: Any, **more: Any) -> Any:
                if device.broken:
                    raise torch.AcceleratorError("an illegal memory access was encountered")
                return super().__torch_function__(func, *rest, **more)  # type: ignore[no-untyped-call]

        memory.keys = memory.keys.as_subclass(OnDevice)
        memory.values = memory.values.as_subclass(OnDevice)

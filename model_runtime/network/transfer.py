"""Copies between host and device that nobody waits for before they are needed."""

from __future__ import annotations

import torch
from torch import Tensor


def to_device(values: Tensor, device: torch.device) -> Tensor:
    """From the host. A copy from ordinary memory would wait for what the device is computing."""
    if device.type != "cuda":
        return values.to(device)
    return values.pin_memory().to(device, non_blocking=True)


def overwrite(there: Tensor, values: Tensor) -> None:
    """What lies on a device, with what lies on the host, when the device comes to it."""
    there.copy_(values.pin_memory() if there.is_cuda else values, non_blocking=True)


class HostCopy:
    """Begins to copy values to the host; what is asked of the device next does not wait for it."""

    def __init__(self, values: Tensor) -> None:
        self._copy = values
        self._copied: torch.cuda.Event | None = None
        if values.device.type == "cuda":
            self._copy = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
            self._copy.copy_(values, non_blocking=True)
            self._copied = _passed()

    def take(self) -> Tensor:
        """Waits until the values are there."""
        if self._copied is not None:
            self._copied.synchronize()
        return self._copy


def wait_for_device(device: torch.device) -> None:
    """Until it has done what was asked of it so far."""
    if device.type == "cuda":
        with torch.cuda.device(device):
            _passed().synchronize()


def _passed() -> torch.cuda.Event:
    """That the current stream came as far as this. Waiting for it takes no CPU time."""
    event = torch.cuda.Event(blocking=True)
    event.record()
    return event

"""What this machine's CUDA says of itself."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch

from interject.model_runtime.failures import RuntimeFailure

_DRIVER_FILE = Path("/proc/driver/nvidia/version")
_DRIVER_VERSION = re.compile(r"\b\d{3}\.\d+(\.\d+)?\b")


@dataclass(frozen=True, slots=True)
class Card:
    """A GPU. `capability` is that of its instructions: (9, 0) is sm_90."""

    index: int
    name: str
    capability: tuple[int, int]
    total_bytes: int

    @property
    def has_bfloat16(self) -> bool:
        """Older ones only imitate it, slowly."""
        return self.capability >= (8, 0)

    @property
    def has_e4m3(self) -> bool:
        """Triton converts it for no older ones."""
        return self.capability >= (8, 9)


class Cuda(Protocol):
    """A fake answers in tests."""

    def build(self) -> str | None:
        """The CUDA that PyTorch was built for; None: it was built for CPUs."""

    def driver(self) -> str | None:
        """The version of NVIDIA's driver, where one is loaded."""

    def cards(self) -> tuple[Card, ...]:
        """The GPUs that can be used, in their order."""

    def free_bytes(self, card: Card) -> int:
        """Of its memory, now.

        :raises RuntimeFailure: when the card does not answer.
        """


class TorchCuda:
    """As PyTorch sees it."""

    def build(self) -> str | None:
        return torch.version.cuda

    def driver(self) -> str | None:
        try:
            found = _DRIVER_VERSION.search(_DRIVER_FILE.read_text())
        except OSError:
            return None
        return found[0] if found else "of an unknown version"

    def cards(self) -> tuple[Card, ...]:
        with warnings.catch_warnings():  # of a driver that is too old; who asks for a GPU is told
            warnings.simplefilter("ignore")
            if not torch.cuda.is_available():
                return ()
        return tuple(_card(index) for index in range(torch.cuda.device_count()))

    def free_bytes(self, card: Card) -> int:
        try:
            free: int = torch.cuda.mem_get_info(card.index)[0]
        except RuntimeError as error:
            raise RuntimeFailure(unusable(card, error)) from error
        return free


def unusable(card: Card, error: Exception) -> str:
    """It is there, but taken by somebody alone, or broken."""
    said = str(error).partition("\n")[0]
    return f"cuda:{card.index} ({card.name}) cannot be used ({said}); see nvidia-smi, or use cpu"


def _card(index: int) -> Card:
    found = torch.cuda.get_device_properties(index)
    return Card(index, found.name, (found.major, found.minor), found.total_memory)

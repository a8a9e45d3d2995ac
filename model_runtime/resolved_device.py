"""Where a model computes, and in which numbers: what was asked for, held against what is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from interject.model_runtime.cuda import Card, Cuda, TorchCuda
from interject.model_runtime.device_choice import AUTO, CPU, FP8_E4M3
from interject.model_runtime.failures import RuntimeFailure
from interject.model_runtime.network.e4m3 import E4M3

if TYPE_CHECKING:
    from interject.model_runtime.device_choice import DeviceChoice

_TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True, slots=True)
class ResolvedDevice:
    """`card` is None on a CPU, `kv_cache_dtype` where slots are in the type of the model."""

    device: torch.device
    dtype: torch.dtype
    card: Card | None = None
    kv_cache_dtype: torch.dtype | None = None

    @property
    def note(self) -> str:
        """For a person."""
        name = "" if self.card is None else f" ({self.card.name})"
        slots = "" if self.kv_cache_dtype is None else f", slots in {FP8_E4M3}"
        return f"{self.device}{name}, {str(self.dtype).removeprefix('torch.')}{slots}"


def resolve_device(choice: DeviceChoice, cuda: Cuda | None = None) -> ResolvedDevice:
    """Find the device.

    :raises RuntimeFailure: when there is no such GPU, or it lacks the type that was asked for.
    """
    cuda = cuda or TorchCuda()
    if choice.device == CPU:
        return _on_cpu(choice)
    cards = cuda.cards()
    if choice.device == AUTO and not cards:
        return _on_cpu(choice)
    if choice.card >= len(cards):
        raise RuntimeFailure(_why_not(choice, cuda, cards))
    card = cards[choice.card]
    if choice.dtype == "bfloat16" and not card.has_bfloat16:
        major, minor = card.capability
        raise RuntimeFailure(
            f"dtype bfloat16: {card.name} (sm_{major}{minor}) cannot compute with it, sm_80 and "
            "later can; use float32"
        )
    if choice.kv_cache_dtype == FP8_E4M3 and not card.has_e4m3:
        major, minor = card.capability
        raise RuntimeFailure(
            f"kv_cache_dtype {FP8_E4M3}: {card.name} (sm_{major}{minor}) cannot convert it, sm_89 "
            "and later can; leave it out"
        )
    dtype = suited(card) if choice.dtype == AUTO else _TYPES[choice.dtype]
    return ResolvedDevice(torch.device("cuda", card.index), dtype, card, kv_cache_type(choice))


def suited(card: Card) -> torch.dtype:
    """What `auto` takes."""
    return torch.bfloat16 if card.has_bfloat16 else torch.float32


def kv_cache_type(choice: DeviceChoice) -> torch.dtype | None:
    """The type of the slots, if it is one of their own."""
    return E4M3 if choice.kv_cache_dtype == FP8_E4M3 else None


def _on_cpu(choice: DeviceChoice) -> ResolvedDevice:
    dtype = _TYPES.get(choice.dtype, torch.float32)
    return ResolvedDevice(torch.device("cpu"), dtype, kv_cache_dtype=kv_cache_type(choice))


def _why_not(choice: DeviceChoice, cuda: Cuda, cards: tuple[Card, ...]) -> str:
    if cards:
        there = ", ".join(f"cuda:{card.index} ({card.name})" for card in cards)
        return f"device {choice.device}: no such GPU; here are {there}"
    return f"device {choice.device}: {no_gpu(cuda)}, or use cpu"


def no_gpu(cuda: Cuda) -> str:
    """Why there is none, and what to do."""
    if cuda.build() is None:
        return (
            "this PyTorch is built for CPUs only; install one for CUDA (pytorch.org has the "
            "command)"
        )
    driver = cuda.driver()
    if driver is None:
        return "no NVIDIA driver is loaded; install one (in a container: start it with --gpus all)"
    return (
        f"NVIDIA's driver {driver} offers PyTorch, built for CUDA {cuda.build()}, no GPU; see "
        "nvidia-smi and CUDA_VISIBLE_DEVICES, or install a later driver"
    )

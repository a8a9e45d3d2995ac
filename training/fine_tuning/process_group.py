"""The processes of one run: one, or as many as `torchrun` starts."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import distributed
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

from interject.model_runtime.resolved_device import resolve_device

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from interject.model_runtime.device_choice import DeviceChoice
    from interject.model_runtime.resolved_device import ResolvedDevice
    from interject.training.sequences.packed_model import PackedModel

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ProcessGroup:
    """`rank` counts from 0; the first one writes and speaks for all."""

    rank: int = 0
    world: int = 1

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def sums(self, values: Sequence[float]) -> list[float]:
        """Of every process, the same in each."""
        if self.world == 1:
            return list(values)
        total = torch.tensor(values, dtype=torch.float64)
        if distributed.get_backend() == "nccl":
            total = total.cuda()
        distributed.all_reduce(total)
        return [float(value) for value in total.tolist()]

    def gathered(self, mine: Sequence[T]) -> list[T]:
        """Everything of all processes, in each of them."""
        if self.world == 1:
            return list(mine)
        parts: list[Sequence[T]] = [()] * self.world
        distributed.all_gather_object(parts, list(mine))
        return [item for part in parts for item in part]

    def told(self, word: T) -> T:
        """What the first process says."""
        if self.world == 1:
            return word
        words: list[T] = [word]
        distributed.broadcast_object_list(words, src=0)
        return words[0]

    def shard(self, model: PackedModel) -> None:
        """FSDP2: each process keeps its part of every weight, and gathers a block's when needed."""
        if self.world == 1:
            return
        kind = next(model.parameters()).device.type
        mesh = init_device_mesh(kind, (self.world,))
        for block in model.decoder.blocks:
            fully_shard(block, mesh=mesh)
        fully_shard(model, mesh=mesh)


def own_device(choice: DeviceChoice) -> ResolvedDevice:
    """Of several processes each has a GPU of its own, unless one was named.

    :raises RuntimeFailure: when there is no such device.
    """
    resolved = resolve_device(choice)
    if resolved.card is None or ":" in choice.device or _world() == 1:
        return resolved
    return resolve_device(replace(choice, device=f"cuda:{os.environ['LOCAL_RANK']}"))


@contextlib.contextmanager
def joined_group(device: torch.device) -> Iterator[ProcessGroup]:
    """The group that `torchrun` names in the environment; it ends with the context."""
    world = _world()
    if world == 1:
        yield ProcessGroup()
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield ProcessGroup(distributed.get_rank(), world)
    finally:
        distributed.destroy_process_group()


def _world() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))

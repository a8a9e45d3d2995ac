"""From a model's name to the model, on the chosen device, with slots that fit beside it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from interject.model_runtime.capacity import footprint
from interject.model_runtime.checkpoint import load_checkpoint, read_config, resolve
from interject.model_runtime.cuda import TorchCuda
from interject.model_runtime.device_choice import DeviceChoice
from interject.model_runtime.engine.context_budget import least_context
from interject.model_runtime.engine.faults import engine_failure, is_session_fault
from interject.model_runtime.engine.ledger import Eviction
from interject.model_runtime.failures import RuntimeFailure
from interject.model_runtime.real_time import measured_load
from interject.model_runtime.resolved_device import resolve_device

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from interject.model_runtime.checkpoint import Model
    from interject.model_runtime.cuda import Card, Cuda
    from interject.model_runtime.resolved_device import ResolvedDevice

CPU_SLOTS = 8
_GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """What is to be loaded, where, and for how many sessions.

    `context` are the positions of a slot; None: as many as the checkpoint has. `in_time` is for how
    many sessions the card was measured to decide in real time, where it was.
    """

    name: str | Path
    resolved: ResolvedDevice
    slots: int
    context: int | None = None
    in_time: int | None = None

    def load(self) -> Model:
        """:raises RuntimeFailure: when it cannot be read, or the device cannot take it."""
        resolved = self.resolved
        if resolved.card is not None and resolved.dtype is torch.float32:
            # Convolutions would be computed in TF32, with a tenth of its digits.
            torch.backends.cudnn.allow_tf32 = False
        with self.told():
            model = load_checkpoint(self.name, dtype=resolved.dtype, device=resolved.device)
        model = replace(model, kv_cache_dtype=resolved.kv_cache_dtype)
        return model if self.context is None else model.with_context(self.context)

    @contextlib.contextmanager
    def told(self) -> Iterator[None]:
        """Say in one line what a GPU does not take: weights, slots."""
        try:
            yield
        except Exception as error:
            if self.resolved.card is None or is_session_fault(error):
                raise
            raise RuntimeFailure(
                f"{self.name} cannot be loaded with {self.slots} slots: {engine_failure(error)}"
            ) from error


def plan_model(
    name: str | Path,
    choice: DeviceChoice | None = None,
    *,
    slots: int | None = None,
    eviction: Eviction = Eviction.ROTATE,
    cuda: Cuda | None = None,
) -> ModelPlan:
    """Without `slots`, as many as a GPU has memory for, but no more than it was measured to decide
    for in time.

    :raises RuntimeFailure: when there is no such device, its memory is too small, or a slot cannot
        have as many positions as were asked for.
    """
    cuda, choice = cuda or TorchCuda(), choice or DeviceChoice()
    resolved = resolve_device(choice, cuda)
    plan = ModelPlan(name, resolved, CPU_SLOTS if slots is None else slots, choice.positions)
    if plan.context is not None:
        _check_context(name, plan.context)
    if resolved.card is None:
        return plan
    return _fitted(plan, resolved.card, slots, eviction, cuda)


def _check_context(name: str | Path, asked: int) -> None:
    config = read_config(resolve(name))
    most, least = config.decoder.context, least_context(config.tower)
    if asked > most:
        raise RuntimeFailure(f"context {asked}: {name} remembers {most} positions at most")
    if asked < least:
        raise RuntimeFailure(f"context {asked}: a session takes at least {least} positions")


def _fitted(
    plan: ModelPlan, card: Card, asked: int | None, eviction: Eviction, cuda: Cuda
) -> ModelPlan:
    config, resolved = read_config(resolve(plan.name)), plan.resolved
    if plan.context is not None:
        config = config.with_context(plan.context)
    size = footprint(config, resolved.dtype, resolved.kv_cache_dtype)
    free = cuda.free_bytes(card)
    fit = max(0, size.slots_in(free, card.total_bytes))
    in_time = measured_load(card, config).of(eviction)
    wanted = max(1, min(fit, in_time or fit)) if asked is None else asked
    needed = size.needed(wanted, card.total_bytes)
    if needed <= free:
        return replace(plan, slots=wanted, in_time=in_time)
    raise RuntimeFailure(
        f"{resolved.device} ({card.name}): {plan.name} with {wanted} slots needs "
        f"{needed / _GIB:.1f} GiB, {free / _GIB:.1f} GiB are free; {fit} slots fit"
    )

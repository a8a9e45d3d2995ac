"""GPUs, and how many sessions fit on each."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from interject.cli.doctor.finding import Finding, State
from interject.model_runtime.failures import RuntimeFailure

if TYPE_CHECKING:
    from interject.model_runtime.cuda import Card, Cuda
    from interject.model_runtime.device_choice import DeviceChoice
    from interject.model_runtime.network.architecture import ModelConfig

_GIB = 1 << 30


def gpus(cuda: Cuda, choice: DeviceChoice) -> list[Finding]:
    """One for each card, or one that says why there is none."""
    from interject.model_runtime.resolved_device import no_gpu

    cards = cuda.cards()
    if not cards:
        detail = f"none, models compute on the CPU: {no_gpu(cuda)}"
        return [Finding("gpu", State.OPTIONAL, detail, "see docs/gpu.md")]
    return [_gpu(card, cuda, choice) for card in cards]


def _gpu(card: Card, cuda: Cuda, choice: DeviceChoice) -> Finding:
    major, minor = card.capability
    part = f"gpu cuda:{card.index}"
    try:
        free = cuda.free_bytes(card)
    except RuntimeFailure as failure:
        return Finding(part, State.OPTIONAL, str(failure), "see docs/gpu.md")
    detail = (
        f"{card.name} (sm_{major}{minor}), {free / _GIB:.1f} of {card.total_bytes / _GIB:.1f} GiB "
        f"free, driver {cuda.driver() or 'unknown'}, CUDA {cuda.build()}; "
        f"room for {_rooms(card, free, choice)}"
    )
    return Finding(part, State.OK, detail)


def _rooms(card: Card, free: int, choice: DeviceChoice) -> str:
    """In the numbers that `auto` would choose."""
    from interject.model_runtime.capacity import footprint
    from interject.model_runtime.resolved_device import kv_cache_type, suited

    dtype, kept = suited(card), kv_cache_type(choice)
    shapes = _shapes(choice.positions)
    if kept is not None and not card.has_e4m3:
        return f"no slots in {choice.kv_cache_dtype}: they need sm_89 or later"
    sizes = [(name, footprint(config, dtype, kept)) for name, config in shapes]
    if not sizes:
        return f"no model: none remembers {choice.context} positions"
    said = [
        f"{max(0, size.slots_in(free, card.total_bytes))} sessions of {name}"
        f" (each remembers {config.remembered_s:.0f} s)"
        for (name, size), (_, config) in zip(sizes, shapes, strict=True)
    ]
    slots = "" if kept is None else f", slots in {choice.kv_cache_dtype}"
    room = f"{' or '.join(said)} in {str(dtype).removeprefix('torch.')}{slots}"
    return room + "".join(_in_time(card, config) for _, config in shapes)


def _in_time(card: Card, config: ModelConfig) -> str:
    """Where it was measured."""
    from interject.model_runtime.real_time import measured_load

    load = measured_load(card, config)
    known = [("exact", load.exact), ("rotate", load.rotate)]
    said = [f"{count} with --eviction {name}" for name, count in known if count is not None]
    return f"; measured to decide in time for {' or '.join(said)}" if said else ""


def _shapes(context: int | None) -> list[tuple[str, ModelConfig]]:
    """As they are loaded with this context, if they can be."""
    from interject.model_runtime.checkpoint import NANO, read_config
    from interject.model_runtime.network.architecture import ModelConfig

    shapes = [("the released shape", ModelConfig())]
    with contextlib.suppress(RuntimeFailure):  # Another finding says so.
        shapes.insert(0, ("nano", read_config(NANO)))
    if context is None:
        return shapes
    return [
        (f"{name} with {context} positions", config.with_context(context))
        for name, config in shapes
        if context <= config.decoder.context
    ]

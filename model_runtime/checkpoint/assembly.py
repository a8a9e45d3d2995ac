"""Putting tensors from disk into a module: which rows go where, and what does not fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from interject.model_runtime.checkpoint.error import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from torch import Tensor

    from interject.model_runtime.checkpoint.tensors import TensorSource


@dataclass(frozen=True, slots=True)
class Part:
    """Rows `source_first` .. of a stored tensor become rows `target_first` .. of a parameter.

    `rows` of None means the whole parameter. `stored_rows` is how many the stored tensor has,
    where that differs from `rows`.
    """

    source: str
    target: str
    target_first: int = 0
    source_first: int = 0
    rows: int | None = None
    stored_rows: int | None = None


def assemble(
    module: nn.Module,
    parts: Iterable[Part],
    source: TensorSource,
    *,
    dtype: torch.dtype,
    device: torch.device | str,
) -> None:
    """Fill a module built on the meta device, one parameter at a time.

    A parameter that no part names becomes zeros (the tower's keys have no bias).

    :raises CheckpointError: naming the first tensor that is missing or has another shape.
    """
    by_target: dict[str, list[Part]] = {}
    for part in parts:
        by_target.setdefault(part.target, []).append(part)
    parameters = dict(module.named_parameters())
    check_shapes({name: p.shape for name, p in parameters.items()}, by_target, source)
    for name, parameter in parameters.items():
        value = torch.zeros(parameter.shape, dtype=dtype)
        copy_rows(by_target.get(name, ()), source, 0, value)
        owner, _, leaf = name.rpartition(".")
        setattr(module.get_submodule(owner), leaf, nn.Parameter(value.to(device), False))


def copy_rows(parts: Iterable[Part], source: TensorSource, first: int, target: Tensor) -> None:
    """Fill `target` with a parameter's rows from `first` on, as far as its parts hold them."""
    last = first + len(target)
    for part in parts:
        begin = max(first, part.target_first)
        end = last if part.rows is None else min(last, part.target_first + part.rows)
        if begin < end:
            offset = part.source_first + begin - part.target_first
            source.copy_rows(part.source, offset, target[begin - first : end - first])


def check_shapes(
    shapes: Mapping[str, Sequence[int]],
    by_target: Mapping[str, Sequence[Part]],
    source: TensorSource,
) -> None:
    """:raises CheckpointError: naming the first tensor that is missing or has another shape."""
    for target, parts in by_target.items():
        for part in parts:
            expected = _expected_shape(shapes[target], part)
            found = source.shape(part.source)
            if found is None:
                raise CheckpointError(
                    f"{source.where}: tensor {part.source} is missing "
                    f"(expected shape {list(expected)})"
                )
            if found != expected:
                raise CheckpointError(
                    f"{source.where}: tensor {part.source} has shape {list(found)}, "
                    f"expected {list(expected)}"
                )


def _expected_shape(target: Sequence[int], part: Part) -> tuple[int, ...]:
    rows = part.stored_rows or part.rows or target[0]
    return (rows, *target[1:])

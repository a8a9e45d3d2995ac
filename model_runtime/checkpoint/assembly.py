"""Putting tensors from disk into a module: which rows go where, and what does not fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from interject.model_runtime.checkpoint.error import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
    _check(parameters, by_target, source)
    for name, parameter in parameters.items():
        value = torch.zeros(parameter.shape, dtype=dtype)
        for part in by_target.get(name, ()):
            rows = value.shape[0] if part.rows is None else part.rows
            into = value[part.target_first : part.target_first + rows]
            source.copy_rows(part.source, part.source_first, into)
        owner, _, leaf = name.rpartition(".")
        setattr(module.get_submodule(owner), leaf, nn.Parameter(value.to(device), False))


def _check(
    parameters: dict[str, nn.Parameter], by_target: dict[str, list[Part]], source: TensorSource
) -> None:
    for target, parts in by_target.items():
        for part in parts:
            expected = _expected_shape(parameters[target].shape, part)
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

"""What a number may be that somebody gives in a program: told at once, not in the first call."""

from __future__ import annotations

from numbers import Real
from typing import Any

DBFS = (-100.0, 0.0)


def within(name: str, value: Any, least: float, most: float) -> None:
    """:raises ValueError: when it is no number from `least` to `most`."""
    if not (isinstance(value, Real) and least <= float(value) <= most):
        raise ValueError(f"{name}: a number from {least:g} to {most:g}, not {value!r}")

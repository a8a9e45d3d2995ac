"""Warnings as errors in a Python of its own, as `pyproject.toml` has it for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def strictly() -> Iterator[str]:
    """Warnings are errors, but for what Pipecat does to itself."""
    ignored = ("'audioop' is deprecated", "`AudioContextTTSService` is deprecated")
    for rule in ("error", *(f"ignore:{start}:DeprecationWarning" for start in ignored)):
        yield from ("-W", rule)

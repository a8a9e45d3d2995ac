"""The options of every command that loads a model: where it computes, and in which numbers."""

from __future__ import annotations

from typing import Annotated

import typer

from interject.cli.process.failures import complain

Device = Annotated[
    str, typer.Option("--device", help="auto (a GPU where there is one), cpu, cuda, or cuda:N.")
]
Dtype = Annotated[
    str,
    typer.Option("--dtype", help="auto (bfloat16 on a GPU that has it), float32 or bfloat16."),
]


def note_device(note: str) -> None:
    """Say that it is not the CPU."""
    complain(f"note: the model computes on {note}")

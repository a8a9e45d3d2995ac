"""The options of every command that loads a model: where and how it computes."""

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
Context = Annotated[
    str,
    typer.Option(
        "--context", help="Positions of a session's memory; auto: as many as the checkpoint has."
    ),
]
KvCacheDtype = Annotated[
    str,
    typer.Option(
        "--kv-cache-dtype",
        help="auto (as --dtype), or fp8_e4m3: about half the memory a session, on sm_89 or later.",
    ),
]


def placed(url: str, device: str, dtype: str, context: str, kv_cache_dtype: str) -> str:
    """The URL of a runtime with these options in it.

    :raises RuntimeFailure: when one of them is none, or the runtime's model runs already.
    """
    from interject.model_runtime.device_choice import DeviceChoice

    return DeviceChoice(device, dtype, context, kv_cache_dtype).applied_to(url)


def note_device(note: str) -> None:
    """Say that it is not the CPU."""
    complain(f"note: the model computes on {note}")

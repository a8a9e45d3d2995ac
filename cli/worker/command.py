"""`interject worker`: serve a model to sessions that come through Redis."""

from __future__ import annotations

import platform
from enum import StrEnum
from typing import Annotated

import typer

from interject.cli.process.device_options import Context, Device, Dtype, KvCacheDtype
from interject.cli.process.failures import InputFailure, command
from interject.model_runtime.telemetry.logs import LogFormat


class EvictionChoice(StrEnum):
    """What becomes of what stays."""

    EXACT = "exact"
    ROTATE = "rotate"


_Redis = Annotated[
    str,
    typer.Option(
        envvar="INTERJECT_REDIS_URL",
        show_default=False,
        help="redis://user:password@host:port/0, or rediss:// over TLS.",
    ),
]
_Model = Annotated[str, typer.Option(help="'nano', or the folder of a checkpoint.")]
_Slots = Annotated[
    str,
    typer.Option(help="How many sessions at once; auto: as many as a GPU has memory for, or 8."),
]
_Eviction = Annotated[
    EvictionChoice,
    typer.Option(
        help="When a slot is full: compute what stays anew, or turn its keys to their new places, "
        "which costs next to nothing and is close."
    ),
]
_Name = Annotated[
    str | None, typer.Option(help="A name that stays the same after a restart; default: the host.")
]
_Retention = Annotated[
    float, typer.Option(help="How long what is left of a closed session is kept, in seconds.")
]
_Wait = Annotated[
    float, typer.Option(help="How long to wait for a Redis that does not answer yet, in seconds.")
]
_Telemetry = Annotated[
    str | None,
    typer.Option(
        help="host:port of /metrics, /healthz and /readyz, or 'off'; default: 127.0.0.1:9464, "
        "or a free port where that is taken."
    ),
]
_LogFormat = Annotated[LogFormat, typer.Option(help="For a person, or a JSON object a line.")]


@command
def worker(
    redis: _Redis = "redis://127.0.0.1:6379/0",
    model: _Model = "nano",
    device: Device = "auto",
    dtype: Dtype = "auto",
    context: Context = "auto",
    kv_cache_dtype: KvCacheDtype = "auto",
    slots: _Slots = "auto",
    eviction: _Eviction = EvictionChoice.EXACT,
    name: _Name = None,
    retention: _Retention = 120.0,
    wait: _Wait = 10.0,
    telemetry: _Telemetry = None,
    log_format: _LogFormat = LogFormat.TEXT,
) -> None:
    """Decide for the sessions of other processes until stopped; then hand them over."""
    import asyncio

    from interject.cli.worker.running import serve
    from interject.model_runtime.device_choice import DeviceChoice, read_slots

    count = read_slots(slots)
    if not retention >= 0:
        raise InputFailure(f"--retention {retention:g}: a time is not negative; 0 keeps nothing")
    if not wait >= 0:
        raise InputFailure(f"--wait {wait:g}: a time is not negative; 0 does not wait")
    asyncio.run(
        serve(
            redis,
            model,
            choice=DeviceChoice(device, dtype, context, kv_cache_dtype),
            slots=count,
            eviction=eviction.value,
            name=name or platform.node(),
            retention_s=retention,
            wait_s=wait,
            telemetry=telemetry,
            log_format=log_format,
        )
    )

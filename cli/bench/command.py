"""`interject bench`: put an open-loop load on a runtime and say whether it carries it."""

from __future__ import annotations

from typing import Annotated

import typer

from interject.cli.process.device_options import Context, Device, Dtype, KvCacheDtype, placed
from interject.cli.process.failures import command

_Runtime = Annotated[
    str, typer.Option(help="URL of the runtime: embedded:nano, embedded:DIR, redis://host:port/0.")
]
_Sessions = Annotated[int, typer.Option(help="How many sessions at once.")]
_Talk = Annotated[float, typer.Option(help="The share of the time that replies take, 0 to 0.9.")]
_Minutes = Annotated[float, typer.Option(help="How long; 10 minutes make a capacity.")]
_InPhase = Annotated[
    bool, typer.Option("--in-phase", help="All chunks at the same moment: the worst case.")
]
_Wav = Annotated[
    list[str] | None,
    typer.Option(help="A sound file to send; may be repeated. Default: generated speech."),
]
_Json = Annotated[str | None, typer.Option(help="Write figures and histograms to this file.")]
_Plot = Annotated[str | None, typer.Option(help="Draw histograms: PNG, SVG, PDF, JPEG or WebP.")]


@command
def bench(
    runtime: _Runtime = "embedded:nano",
    device: Device = "auto",
    dtype: Dtype = "auto",
    context: Context = "auto",
    kv_cache_dtype: KvCacheDtype = "auto",
    sessions: _Sessions = 10,
    talk: _Talk = 0.15,
    minutes: _Minutes = 1.0,
    in_phase: _InPhase = False,
    wav: _Wav = None,
    json: _Json = None,
    plot: _Plot = None,
) -> int:
    """Send sessions in real time, whether or not the runtime keeps up; measure every chunk."""
    from interject.cli.bench.request import read_request
    from interject.cli.bench.running import run

    request = read_request(
        runtime_url=placed(runtime, device, dtype, context, kv_cache_dtype),
        sessions=sessions,
        talk=talk,
        minutes=minutes,
        in_phase=in_phase,
        wavs=wav or [],
        json=json,
        plot=plot,
    )
    return run(request)

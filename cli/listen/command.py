"""`interject listen`: hear a stream, show every decision, speak the replies."""

from __future__ import annotations

from typing import Annotated

import typer

from interject.cli.process.device_options import Context, Device, Dtype, KvCacheDtype, placed
from interject.cli.process.failures import command

_Source = Annotated[
    str,
    typer.Argument(
        help="A sound file or a pipe; '-' for standard input, a sound file or raw 16-bit PCM; "
        "or 'mic'."
    ),
]
_Model = Annotated[str, typer.Option(help="'nano', or the folder of a checkpoint.")]
_Runtime = Annotated[
    str | None, typer.Option(help="URL of the runtime; default: embedded:MODEL in this process.")
]
_Profile = Annotated[str, typer.Option(help="A shipped profile's name, or a YAML file.")]
_Threshold = Annotated[
    float | None,
    typer.Option(help="Least P(respond) that starts a reply; default: the profile's."),
]
_Json = Annotated[bool, typer.Option("--json", help="One JSON object an event on stdout.")]
_Plot = Annotated[str | None, typer.Option(help="Draw the session: PNG, SVG, PDF, JPEG or WebP.")]
_Out = Annotated[
    str | None,
    typer.Option(help="WAV: left the room, right Interject when it spoke, third what it played."),
]
_Summary = Annotated[
    str | None, typer.Option(help="Replies, cues, checklist and figures at the end: JSON or .md.")
]
_Records = Annotated[
    str | None,
    typer.Option(
        envvar="INTERJECT_RECORDS",
        help="Folder for what the profile keeps of the session; `interject records` shows it.",
    ),
]
_Speed = Annotated[
    str, typer.Option(help="'realtime', or 'max': as fast as the machine allows (a file).")
]
_PromptIds = Annotated[
    str | None,
    typer.Option(help="Token ids in place of the prompt: comma separated, or a file of them."),
]
_MaxReplyTokens = Annotated[
    int | None, typer.Option(help="Longest reply in tokens; default: the profile's.")
]
_Telemetry = Annotated[
    str | None,
    typer.Option(help="Serve /metrics at this host:port while listening; 'off' sends spans only."),
]
_Track = Annotated[int | None, typer.Option(help="Audio track of a file, from 1; default: 1.")]
_Raw = Annotated[
    bool,
    typer.Option("--raw", help="SOURCE is raw 16-bit PCM, even if it begins like a sound file."),
]
_RawRate = Annotated[int, typer.Option(help="Sample rate of raw PCM in Hz.")]
_RawChannels = Annotated[int, typer.Option(help="Interleaved channels of raw PCM.")]


@command
def listen(
    source: _Source,
    model: _Model = "nano",
    runtime: _Runtime = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
    context: Context = "auto",
    kv_cache_dtype: KvCacheDtype = "auto",
    profile: _Profile = "default",
    threshold: _Threshold = None,
    json: _Json = False,
    plot: _Plot = None,
    out: _Out = None,
    summary: _Summary = None,
    records: _Records = None,
    speed: _Speed = "max",
    prompt_ids: _PromptIds = None,
    max_reply_tokens: _MaxReplyTokens = None,
    telemetry: _Telemetry = None,
    track: _Track = None,
    raw: _Raw = False,
    raw_rate: _RawRate = 16_000,
    raw_channels: _RawChannels = 1,
) -> int:
    """Hear a stream in 400 ms chunks; the model decides after each one: stay silent, or answer."""
    from interject.cli.listen.request import read_request
    from interject.cli.listen.running import run

    request = read_request(
        source=source,
        runtime_url=placed(runtime or f"embedded:{model}", device, dtype, context, kv_cache_dtype),
        profile=profile,
        threshold=threshold,
        json=json,
        plot=plot,
        out=out,
        summary=summary,
        records=records,
        speed=speed,
        prompt_ids=prompt_ids,
        max_reply_tokens=max_reply_tokens,
        telemetry=telemetry,
        track=track,
        raw=raw,
        raw_rate_hz=raw_rate,
        raw_channels=raw_channels,
    )
    return run(request)

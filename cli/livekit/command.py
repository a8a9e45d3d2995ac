"""`interject livekit`: join a room as a person would, or serve rooms as their agent."""

from __future__ import annotations

from typing import Annotated

import typer

from interject.cli.process.device_options import Context, Device, Dtype, KvCacheDtype, placed
from interject.cli.process.failures import command
from interject.cli.process.neighbours import HELP, VARIABLE

livekit_app = typer.Typer(
    name="livekit", help="Rooms of a LiveKit server.", no_args_is_help=True, add_completion=False
)

_Url = Annotated[
    str,
    typer.Option(
        envvar="LIVEKIT_URL", show_default=False, help="The server, say ws://127.0.0.1:7880."
    ),
]
_Key = Annotated[str, typer.Option(envvar="LIVEKIT_API_KEY", show_default=False, help="API key.")]
_Secret = Annotated[
    str, typer.Option(envvar="LIVEKIT_API_SECRET", show_default=False, help="Its secret.")
]
_Room = Annotated[str, typer.Option(help="The room's name; it is made when it is not there.")]
_Identity = Annotated[str, typer.Option(help="Who this participant is.")]
_Play = Annotated[str | None, typer.Option(help="A sound file to say into the room, in real time.")]
_Record = Annotated[
    str | None, typer.Option(help="Stereo WAV: left what was played, right what was heard.")
]
_Seconds = Annotated[
    float | None,
    typer.Option(help="Leave after this long; default: 5 s after the sound, or never without one."),
]
_Dispatch = Annotated[
    str | None,
    typer.Option(help="Ask for this agent, by name, and wait for it (15 s).", metavar="AGENT"),
]
_Metadata = Annotated[
    str, typer.Option(help='JSON for the agent asked for: {"profile": "meeting_assistant"}.')
]
_Say = Annotated[str | None, typer.Option(help="Write this into the chat after joining.")]
_Json = Annotated[bool, typer.Option("--json", help="One JSON object an event on stdout.")]


@livekit_app.command()
@command
def join(
    room: _Room,
    url: _Url = "",
    api_key: _Key = "",
    api_secret: _Secret = "",
    identity: _Identity = "visitor",
    play: _Play = None,
    record: _Record = None,
    seconds: _Seconds = None,
    dispatch: _Dispatch = None,
    metadata: _Metadata = "",
    say: _Say = None,
    json: _Json = False,
) -> int:
    """Stand for a person in a room: say a sound, and print and record what comes back."""
    from interject.cli.livekit.join_request import read_join_request
    from interject.cli.livekit.joining import run

    request = read_join_request(
        url=url,
        api_key=api_key,
        api_secret=api_secret,
        room=room,
        identity=identity,
        play=play,
        record=record,
        seconds=seconds,
        dispatch=dispatch,
        metadata=metadata,
        say=say,
        json=json,
    )
    return run(request)


_Runtime = Annotated[
    str,
    typer.Option(
        envvar="INTERJECT_RUNTIME",
        help="local:nano or local:FOLDER, one model in a process for all rooms; "
        "local:unix:SOCKET or redis://..., one that runs already.",
    ),
]
_Slots = Annotated[
    str | None,
    typer.Option(
        help="Rooms at once, or auto: as many as a GPU has memory for; default: 8, or what a "
        "running runtime has."
    ),
]
_Profile = Annotated[
    str, typer.Option(help="Name or YAML file, for dispatches that name none in their metadata.")
]
_Profiles = Annotated[
    str | None,
    typer.Option(help="Folder of the YAML files that a dispatch may name, beside those shipped."),
]
_AgentName = Annotated[str, typer.Option(help="Dispatches ask for the agent by this name.")]
_BargeIn = Annotated[
    bool, typer.Option("--barge-in", help="Fall silent when somebody talks over the agent.")
]
_Health = Annotated[
    str | None,
    typer.Option(help="host:port of the health check; default: 127.0.0.1:8081, or a free port."),
]
_MetricsPort = Annotated[
    int | None,
    typer.Option(help="Serve /metrics for Prometheus there, on the health check's host."),
]
_Wait = Annotated[
    float, typer.Option(help="How long to wait for a Redis that does not answer yet, in seconds.")
]
_Records = Annotated[
    str | None,
    typer.Option(
        envvar="INTERJECT_RECORDS",
        help="Folder for what profiles keep of rooms; `interject records` shows it.",
    ),
]
_Neighbours = Annotated[str | None, typer.Option(envvar=VARIABLE, show_default=False, help=HELP)]
_PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@livekit_app.command(context_settings=_PASSED_ON)
@command
def start(
    call: typer.Context,
    url: _Url = "",
    api_key: _Key = "",
    api_secret: _Secret = "",
    runtime: _Runtime = "local:nano",
    device: Device = "auto",
    dtype: Dtype = "auto",
    context: Context = "auto",
    kv_cache_dtype: KvCacheDtype = "auto",
    slots: _Slots = None,
    profile: _Profile = "default",
    profiles: _Profiles = None,
    agent_name: _AgentName = "interject",
    barge_in: _BargeIn = False,
    wait: _Wait = 10.0,
    health: _Health = None,
    metrics_port: _MetricsPort = None,
    records: _Records = None,
    neighbours: _Neighbours = None,
) -> None:
    """Serve rooms; on SIGTERM take no more, and end when the calls in progress have.

    Further options are LiveKit's own: --log-level, --drain-timeout.
    """
    from interject.cli.livekit.serving import ServeRequest, serve

    serve(
        ServeRequest(
            "start", tuple(call.args), url, api_key, api_secret,
            runtime=placed(runtime, device, dtype, context, kv_cache_dtype),
            slots=slots, profile=profile, profiles=profiles, agent_name=agent_name,
            barge_in=barge_in, wait_s=wait, health=health, metrics_port=metrics_port,
            records=records, neighbours=neighbours,
        )
    )  # fmt: skip


@livekit_app.command(context_settings=_PASSED_ON)
@command
def dev(
    call: typer.Context,
    url: _Url = "",
    api_key: _Key = "",
    api_secret: _Secret = "",
    runtime: _Runtime = "local:nano",
    device: Device = "auto",
    dtype: Dtype = "auto",
    context: Context = "auto",
    kv_cache_dtype: KvCacheDtype = "auto",
    slots: _Slots = None,
    profile: _Profile = "default",
    profiles: _Profiles = None,
    agent_name: _AgentName = "interject",
    barge_in: _BargeIn = False,
    wait: _Wait = 10.0,
    records: _Records = None,
    neighbours: _Neighbours = None,
) -> None:
    """Serve rooms while developing: more is logged, and stopping waits for nobody.

    Further options are LiveKit's own: --log-level.
    """
    from interject.cli.livekit.serving import ServeRequest, serve

    serve(
        ServeRequest(
            "dev", tuple(call.args), url, api_key, api_secret,
            runtime=placed(runtime, device, dtype, context, kv_cache_dtype),
            slots=slots, profile=profile, profiles=profiles, agent_name=agent_name,
            barge_in=barge_in, wait_s=wait, records=records, neighbours=neighbours,
        )
    )  # fmt: skip


@livekit_app.command(context_settings=_PASSED_ON)
@command
def connect(
    call: typer.Context,
    room: _Room,
    url: _Url = "",
    api_key: _Key = "",
    api_secret: _Secret = "",
    runtime: _Runtime = "local:nano",
    device: Device = "auto",
    dtype: Dtype = "auto",
    context: Context = "auto",
    kv_cache_dtype: KvCacheDtype = "auto",
    profile: _Profile = "default",
    barge_in: _BargeIn = False,
    records: _Records = None,
    neighbours: _Neighbours = None,
) -> None:
    """Join one room as its agent without a dispatch, until Ctrl-C.

    Further options are LiveKit's own: --log-level, --participant-identity.
    """
    from interject.cli.livekit.serving import ServeRequest, serve

    serve(
        ServeRequest(
            "connect", ("--room", room, *call.args), url, api_key, api_secret,
            runtime=placed(runtime, device, dtype, context, kv_cache_dtype),
            profile=profile, barge_in=barge_in, records=records, neighbours=neighbours,
        )
    )  # fmt: skip

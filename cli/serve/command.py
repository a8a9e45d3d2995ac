"""`interject serve`: browsers, telephones and meetings call an agent of this process."""

from __future__ import annotations

from typing import Annotated

import typer

from interject.cli.process.device_options import Context, Device, Dtype, KvCacheDtype, placed
from interject.cli.process.failures import command
from interject.cli.process.neighbours import HELP, VARIABLE
from interject.model_runtime.telemetry.logs import LogFormat

_Profile = Annotated[str, typer.Option(help="Name or YAML file of what the agent is to do.")]
_Runtime = Annotated[
    str,
    typer.Option(
        envvar="INTERJECT_RUNTIME",
        help="local:nano or local:FOLDER, a model in a process of its own; embedded:nano, in this "
        "one; local:unix:SOCKET or redis://..., one that runs already.",
    ),
]
_Slots = Annotated[
    str | None,
    typer.Option(help="Sessions of a model that this starts, or auto; default: 8."),
]
_MaxCalls = Annotated[
    int | None,
    typer.Option(help="Calls at once; default: the slots of a model that this starts."),
]
_Bind = Annotated[str, typer.Option(help="host:port to serve at; port 0 takes a free one.")]
_PublicUrl = Annotated[
    str | None,
    typer.Option(
        envvar="INTERJECT_PUBLIC_URL",
        help="Where others reach this server, say https://voice.example.com.",
    ),
]
_ApiToken = Annotated[
    str | None,
    typer.Option(
        envvar="INTERJECT_API_TOKEN",
        show_default=False,
        help="Whoever calls the API sends it; several are separated by commas.",
    ),
]
_ViewerToken = Annotated[
    str | None,
    typer.Option(
        envvar="INTERJECT_VIEWER_TOKEN",
        show_default=False,
        help="Whoever may only look, at the console and at cues, sends it; several as above.",
    ),
]
_Origin = Annotated[
    list[str] | None,
    typer.Option(help="Another origin whose pages may call, say https://desk.example.com."),
]
_WebRtc = Annotated[
    bool | None, typer.Option("--webrtc/--no-webrtc", help="Browsers; default: yes.")
]
_Twilio = Annotated[
    bool | None,
    typer.Option(
        "--twilio/--no-twilio", help="Telephones; default: where TWILIO_ACCOUNT_SID is set."
    ),
]
_Sockets = Annotated[
    list[str] | None,
    typer.Option(
        help="Who may dial in by web sockets: plain, attendee, recall, audiohook; several may be "
        "given, or one with commas."
    ),
]
_Stun = Annotated[list[str] | None, typer.Option(help="stun:host:port; several may be given.")]
_Turn = Annotated[
    list[str] | None,
    typer.Option(
        help="turn:host:port of a TURN server, whose secret is in INTERJECT_TURN_SECRET, or "
        "account in INTERJECT_TURN_USERNAME and INTERJECT_TURN_CREDENTIAL."
    ),
]
_RelayOnly = Annotated[bool, typer.Option("--relay-only", help="No way but through TURN.")]
_DeadLetters = Annotated[
    str | None,
    typer.Option(
        envvar="INTERJECT_WEBHOOK_DEAD_LETTERS",
        help="File of the events that the webhook did not take; `interject webhook` shows it.",
    ),
]
_Webhook = Annotated[
    str | None,
    typer.Option(
        envvar="INTERJECT_WEBHOOK",
        help="URL to which cues and replies are posted; INTERJECT_WEBHOOK_SECRET signs them.",
    ),
]
_Records = Annotated[
    str | None,
    typer.Option(
        envvar="INTERJECT_RECORDS",
        help="Folder for what the profile keeps of calls; `interject records` shows it.",
    ),
]
_Neighbours = Annotated[str | None, typer.Option(envvar=VARIABLE, show_default=False, help=HELP)]
_BargeIn = Annotated[
    bool, typer.Option("--barge-in", help="Fall silent when somebody talks over the agent.")
]
_InsecureDev = Annotated[
    bool,
    typer.Option("--insecure-dev", help="On loopback only: no token, no signatures of Twilio."),
]
_Wait = Annotated[
    float, typer.Option(help="How long to wait for a runtime that is not there yet, in seconds.")
]
_DrainTimeout = Annotated[
    float,
    typer.Option(help="After SIGTERM calls may go on for so many seconds; then they are told."),
]
_LogFormat = Annotated[LogFormat, typer.Option(help="For a person, or a JSON object a line.")]


@command
def serve(
    profile: _Profile = "default",
    runtime: _Runtime = "local:nano",
    device: Device = "auto",
    dtype: Dtype = "auto",
    context: Context = "auto",
    kv_cache_dtype: KvCacheDtype = "auto",
    slots: _Slots = None,
    max_calls: _MaxCalls = None,
    bind: _Bind = "127.0.0.1:8080",
    public_url: _PublicUrl = None,
    api_token: _ApiToken = None,
    viewer_token: _ViewerToken = None,
    origin: _Origin = None,
    webrtc: _WebRtc = None,
    stun: _Stun = None,
    turn: _Turn = None,
    relay_only: _RelayOnly = False,
    twilio: _Twilio = None,
    sockets: _Sockets = None,
    webhook: _Webhook = None,
    webhook_dead_letters: _DeadLetters = None,
    records: _Records = None,
    neighbours: _Neighbours = None,
    barge_in: _BargeIn = False,
    insecure_dev: _InsecureDev = False,
    wait: _Wait = 10.0,
    drain_timeout: _DrainTimeout = 60.0,
    log_format: _LogFormat = LogFormat.TEXT,
) -> None:
    """Let browsers and telephones call the agent; on SIGTERM take no more, and end when the calls
    in progress have.
    """
    from interject.cli.serve.options import ServeOptions
    from interject.cli.serve.running import serve as run

    run(
        ServeOptions(
            profile=profile, runtime=placed(runtime, device, dtype, context, kv_cache_dtype),
            slots=slots, max_calls=max_calls, bind=bind, public_url=public_url,
            api_token=api_token or "", viewer_token=viewer_token or "",
            origins=tuple(origin or ()), webrtc=webrtc,
            stun=tuple(stun or ()), turn=tuple(turn or ()), relay_only=relay_only, twilio=twilio,
            sockets=tuple(sockets or ()),
            webhook=webhook, dead_letters=webhook_dead_letters, records=records,
            neighbours=neighbours, barge_in=barge_in, insecure_dev=insecure_dev, wait_s=wait,
            drain_timeout_s=drain_timeout, log_format=log_format,
        )
    )  # fmt: skip

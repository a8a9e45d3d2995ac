"""`interject twilio`: telephone calls without a telephone."""

from __future__ import annotations

from typing import Annotated

import typer

from interject.cli.process.failures import command

twilio_app = typer.Typer(
    name="twilio", help="Telephone calls by Twilio.", no_args_is_help=True, add_completion=False
)

_Sound = Annotated[str, typer.Argument(help="A sound file: what the caller says.", metavar="FILE")]
_Colleague = Annotated[
    str | None,
    typer.Option(
        help="Be a call between two people, with a silent copilot: a sound file of what the person "
        "says who was dialled."
    ),
]
_Server = Annotated[
    str | None,
    typer.Option(
        help="A server that runs, say http://127.0.0.1:8080; default: one is started for this call."
    ),
]
_PublicUrl = Annotated[
    str | None,
    typer.Option(
        envvar="INTERJECT_PUBLIC_URL", help="The public URL that the running server was given."
    ),
]
_Profile = Annotated[
    str | None, typer.Option(help="Name or YAML file, for a server that is started.")
]
_Runtime = Annotated[
    str | None,
    typer.Option(envvar="INTERJECT_RUNTIME", help="Model of a server that is started."),
]
_BargeIn = Annotated[
    bool, typer.Option("--barge-in", help="For a server that is started, as in 'serve'.")
]
_Record = Annotated[
    str | None, typer.Option(help="Stereo WAV: left what the caller said, right what he heard.")
]
_Keys = Annotated[str, typer.Option(help="Keys to press once the sound is over, say 5 or *.")]
_Seconds = Annotated[
    float | None, typer.Option(help="Hang up after this long; default: 5 s after the sound.")
]
_Json = Annotated[
    bool, typer.Option("--json", help="One JSON object an event on stdout, silent decisions too.")
]


@twilio_app.callback()
def _group() -> None:
    """Telephone calls by Twilio."""


@command
def simulate(
    sound: _Sound,
    colleague: _Colleague = None,
    server: _Server = None,
    public_url: _PublicUrl = None,
    profile: _Profile = None,
    runtime: _Runtime = None,
    barge_in: _BargeIn = False,
    record: _Record = None,
    press: _Keys = "",
    seconds: _Seconds = None,
    json: _Json = False,
) -> int:
    """Call the agent as Twilio does, without an account: say a sound, and print and record what
    comes back.
    """
    from interject.cli.twilio.simulated_order import read_order

    order = read_order(
        sound=sound, colleague=colleague, server=server, public_url=public_url, profile=profile,
        runtime=runtime, barge_in=barge_in, record=record, press=press, seconds=seconds, json=json,
    )  # fmt: skip
    from interject.cli.twilio.simulating import run

    return run(order)

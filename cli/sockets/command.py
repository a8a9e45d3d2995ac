"""`interject sockets`: platforms that dial in, without the platform."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from interject.cli.process.failures import command

sockets_app = typer.Typer(
    name="sockets",
    help="Sound over web sockets.",
    no_args_is_help=True,
    add_completion=False,
)


class SimulatedPlatform(StrEnum):
    PLAIN = "plain"
    ATTENDEE = "attendee"
    RECALL = "recall"
    MONITOR = "audiohook-monitor"
    CONNECTOR = "audiohook-connector"


_Sound = Annotated[
    str, typer.Argument(help="A sound file: what somebody says there.", metavar="FILE")
]
_Server = Annotated[str, typer.Option(help="A server that runs, say http://127.0.0.1:8080.")]
_Platform = Annotated[SimulatedPlatform, typer.Option(help="Which platform's side to play.")]
_Record = Annotated[
    str | None, typer.Option(help="Stereo WAV: left what was said, right what was heard.")
]
_Seconds = Annotated[
    float | None, typer.Option(help="Leave after this long; default: 5 s after the sound.")
]
_Json = Annotated[
    bool, typer.Option("--json", help="One JSON object an event on stdout, silent decisions too.")
]


@sockets_app.callback()
def _group() -> None:
    """Sound over web sockets."""


@command
def simulate_socket(
    sound: _Sound,
    server: _Server,
    platform: _Platform = SimulatedPlatform.PLAIN,
    record: _Record = None,
    seconds: _Seconds = None,
    json: _Json = False,
) -> int:
    """Dial in to a server as a platform does: say a sound, and print and record what comes back."""
    from interject.cli.sockets.simulating import read_order, run

    return run(read_order(sound, server, platform, record, seconds, json=json))

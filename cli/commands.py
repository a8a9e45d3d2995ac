"""The command line. Command modules import nothing heavy before one of them runs."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from interject import __version__
from interject.cli.bench.command import bench
from interject.cli.data.command import data_app
from interject.cli.doctor.command import doctor
from interject.cli.eval.command import eval_app
from interject.cli.listen.command import listen
from interject.cli.livekit.command import livekit_app
from interject.cli.model.command import model_app
from interject.cli.offline.command import ask, transcribe, translate
from interject.cli.path_arguments import SoundCommand
from interject.cli.profile.command import profile_app
from interject.cli.records.command import records_app
from interject.cli.serve.command import serve
from interject.cli.sockets.command import simulate_socket, sockets_app
from interject.cli.top.command import top
from interject.cli.train.command import train_app
from interject.cli.twilio.command import simulate, twilio_app
from interject.cli.voice.command import voice_app
from interject.cli.webhook.command import webhook_app
from interject.cli.worker.command import worker

app = typer.Typer(
    name="interject",
    help="An always-on audio agent that decides for itself when to speak.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command(cls=SoundCommand)(listen)
app.command(cls=SoundCommand)(transcribe)
app.command(cls=SoundCommand)(translate)
app.command(cls=SoundCommand)(ask)
app.add_typer(model_app, name="model")
app.add_typer(data_app, name="data")
app.add_typer(eval_app, name="eval")
app.add_typer(livekit_app, name="livekit")
twilio_app.command(cls=SoundCommand)(simulate)
app.add_typer(twilio_app, name="twilio")
sockets_app.command("simulate", cls=SoundCommand)(simulate_socket)
app.add_typer(sockets_app, name="sockets")
app.add_typer(profile_app, name="profile")
app.add_typer(records_app, name="records")
app.add_typer(train_app, name="train")
app.add_typer(voice_app, name="voice")
app.add_typer(webhook_app, name="webhook")
app.command()(serve)
app.command()(worker)
app.command()(top)
app.command()(bench)
app.command()(doctor)

_Version = Annotated[bool, typer.Option("--version", help="Show the version and leave.")]


@app.callback(invoke_without_command=True)
def _root(version: _Version = False) -> None:
    if version:
        sys.stdout.write(f"interject {__version__}\n")
        raise typer.Exit
